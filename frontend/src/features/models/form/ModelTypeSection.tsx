import { Badge, Group, NumberInput, Radio, SimpleGrid, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { ModelTypeOption } from '@/api/modelOptions';
import { useModelTypeText } from '@/features/forecast/modelTypeText';
import { useApiSentence } from '@/i18n/sentences';
import { FormSection } from './FormSection';
import { withModelType } from './formState';
import classes from './ModelTypeSection.module.css';
import { ParamInputs } from './ParamInputs';
import { SearchInputs } from './SearchInputs';
import type { SectionProps } from './types';

interface ModelTypeSectionProps extends SectionProps {
  options: readonly ModelTypeOption[];
}

/** Which model, with which parameters. */
export function ModelTypeSection({ options, ...props }: ModelTypeSectionProps) {
  const { t } = useTranslation();
  const { form, change, errors } = props;
  const option = options.find((item) => item.name === form.modelType);
  return (
    <FormSection
      section="model"
      number={2}
      title={t('modelForm.model.title')}
      description={t('modelForm.model.detail')}
    >
      <Radio.Group
        value={form.modelType}
        onChange={(name) => {
          const next = options.find((item) => item.name === name);
          if (next) change(withModelType(form, next));
        }}
        aria-label={t('modelForm.model.title')}
        error={errors.model_type}
      >
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="sm">
          {options.map((item) => (
            <TypeCard key={item.name} option={item} />
          ))}
        </SimpleGrid>
      </Radio.Group>
      {option && <ParamInputs option={option} {...props} />}
      {option && <SearchInputs option={option} {...props} />}
      <NumberInput
        label={t('modelForm.model.seed')}
        description={t('modelForm.model.seedHint')}
        value={form.seed}
        onChange={(seed) => {
          change({ seed });
        }}
        min={0}
        clampBehavior="none"
        allowDecimal={false}
        error={errors.seed}
        maw={320}
      />
    </FormSection>
  );
}

function TypeCard({ option }: { option: ModelTypeOption }) {
  const { t } = useTranslation();
  const text = useModelTypeText();
  const sentence = useApiSentence();
  return (
    <Radio.Card
      value={option.name}
      disabled={!option.available}
      className={classes.card}
      data-testid={`type-${option.name}`}
    >
      <Group gap="sm" wrap="nowrap" align="flex-start">
        <Radio.Indicator disabled={!option.available} />
        <div>
          <Group gap={6}>
            <Text fz="sm" fw={600}>
              {text.title(option.name, option.title)}
            </Text>
            {option.tasks.includes('direction') && (
              <Badge size="xs" color="gray">
                {t(
                  option.tasks.length === 1 ? 'modelForm.task.directionOnly' : 'modelForm.task.directionToo',
                )}
              </Badge>
            )}
          </Group>
          <Text fz="xs" className="muted" mt={2}>
            {option.unavailable_because === null
              ? text.about(option.name, option.description)
              : sentence(option.unavailable_because)}
          </Text>
        </div>
      </Group>
    </Radio.Card>
  );
}
