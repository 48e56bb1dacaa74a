import { NumberInput, SegmentedControl, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Dataset } from '@/api/datasets';
import { FoldDiagram } from './FoldDiagram';
import type { Scheme } from './formState';
import { FormSection } from './FormSection';
import { historyOf } from './history';
import type { SectionProps } from './types';

const SCHEMES = ['expanding', 'rolling', 'purged_kfold'] as const satisfies readonly Scheme[];

interface ValidationSectionProps extends SectionProps {
  datasets: readonly Dataset[];
}

/** On which history it is trained, and how it is judged. */
export function ValidationSection({ form, change, errors, datasets }: ValidationSectionProps) {
  const { t } = useTranslation();
  const history = historyOf(form, datasets);
  return (
    <FormSection
      section="validation"
      number={4}
      title={t('modelForm.validation.title')}
      description={t('modelForm.validation.detail')}
    >
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {(['start', 'end'] as const).map((edge) => (
          <TextInput
            key={edge}
            type="date"
            label={t(`modelForm.validation.${edge}`)}
            description={t(`modelForm.validation.${edge}Hint`)}
            value={form[edge]}
            onChange={(event) => {
              change({ [edge]: event.currentTarget.value });
            }}
            error={errors[edge]}
            data-testid={`form-${edge}`}
          />
        ))}
      </SimpleGrid>
      <Stack gap={6}>
        <SegmentedControl
          aria-label={t('modelForm.validation.scheme')}
          value={form.scheme}
          onChange={(scheme) => {
            change({ scheme });
          }}
          data={SCHEMES.map((value) => ({ value, label: t(`modelForm.scheme.${value}.title`) }))}
        />
        <Text fz="sm" className="muted">
          {t(`modelForm.scheme.${form.scheme}.detail`)}
        </Text>
      </Stack>
      <SimpleGrid cols={{ base: 2 }}>
        <NumberInput
          label={t('modelForm.validation.folds')}
          value={form.folds}
          onChange={(folds) => {
            change({ folds });
          }}
          min={2}
          max={50}
          clampBehavior="none"
          allowDecimal={false}
          error={errors['validation.folds']}
          data-testid="form-folds"
        />
        <NumberInput
          label={t('modelForm.validation.embargo')}
          value={form.embargo}
          onChange={(embargo) => {
            change({ embargo });
          }}
          min={0}
          max={250}
          clampBehavior="none"
          allowDecimal={false}
          error={errors['validation.embargo']}
        />
      </SimpleGrid>
      {history && <FoldDiagram form={form} history={history} />}
    </FormSection>
  );
}
