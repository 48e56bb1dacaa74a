import { NumberInput, SimpleGrid, Stack, Switch, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { ModelTypeOption } from '@/api/modelOptions';
import type { SectionProps } from './types';

interface SearchInputsProps extends SectionProps {
  option: ModelTypeOption;
}

/** Whether parameters are searched for, and for how long; nothing where there is nothing to search. */
export function SearchInputs({ option, form, change, errors }: SearchInputsProps) {
  const { t } = useTranslation();
  const names = Object.keys(option.search_space);
  if (names.length === 0) return null;
  return (
    <Stack gap="sm">
      <Switch
        label={t('modelForm.search.label')}
        description={t('modelForm.search.hint', { names: names.join(', ') })}
        checked={form.search}
        onChange={(event) => {
          change({ search: event.currentTarget.checked });
        }}
        data-testid="form-search"
      />
      {errors.search && (
        <Text fz="xs" c="red" role="alert">
          {errors.search}
        </Text>
      )}
      {form.search && (
        <SimpleGrid cols={{ base: 2, lg: 3 }}>
          <NumberInput
            label={t('modelForm.search.trials')}
            value={form.trials}
            onChange={(trials) => {
              change({ trials });
            }}
            min={1}
            max={500}
            clampBehavior="none"
            allowDecimal={false}
            error={errors['search.trials']}
          />
          <NumberInput
            label={t('modelForm.search.minutes')}
            value={form.minutes}
            onChange={(minutes) => {
              change({ minutes });
            }}
            min={1}
            clampBehavior="none"
            error={errors['search.timeout']}
          />
        </SimpleGrid>
      )}
    </Stack>
  );
}
