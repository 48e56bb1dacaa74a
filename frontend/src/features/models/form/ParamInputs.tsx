import { SimpleGrid, Stack, Text } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { ModelTypeOption } from '@/api/modelOptions';
import { ParamInput } from './ParamInput';
import { objectionTo, paramFields, valueOf, type ParamField } from './paramFields';
import type { SectionProps } from './types';

interface ParamInputsProps extends SectionProps {
  option: ModelTypeOption;
}

/** An input for each parameter that the model type's JSON Schema declares. */
export function ParamInputs({ option, form, change, errors }: ParamInputsProps) {
  const { t } = useTranslation();
  const fields = useMemo(() => paramFields(option.params), [option]);
  if (fields.length === 0) {
    return (
      <Text fz="sm" className="muted">
        {t('modelForm.model.noParams')}
      </Text>
    );
  }
  const errorOf = (field: ParamField) => {
    const objection = objectionTo(field, valueOf(field, form.params));
    return objection
      ? t(`modelForm.objection.${objection.key}`, { ...objection })
      : errors[`params.${field.name}`];
  };
  return (
    <Stack gap="xs">
      <Text fz="sm" fw={600}>
        {t('modelForm.model.params')}
      </Text>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="md">
        {fields.map((field) => (
          <ParamInput
            key={field.name}
            field={field}
            value={valueOf(field, form.params)}
            error={errorOf(field)}
            onChange={(value) => {
              change({ params: { ...form.params, [field.name]: value } });
            }}
          />
        ))}
      </SimpleGrid>
    </Stack>
  );
}
