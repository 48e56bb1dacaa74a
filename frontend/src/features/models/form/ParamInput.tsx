import { NumberInput, Select, Switch, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ParamField, ParamValue } from './paramFields';

interface ParamInputProps {
  field: ParamField;
  value: ParamValue;
  error: string | undefined;
  onChange: (value: ParamValue) => void;
}

/** The input that fits a parameter's kind. */
export function ParamInput(props: ParamInputProps) {
  const { field, value, error, onChange } = props;
  const { t } = useTranslation();
  const common = {
    label: <code>{field.name}</code>,
    description: t(`modelForm.param.${field.name}` as 'modelForm.param.alpha', field.description),
    error,
    'data-testid': `param-${field.name}`,
  };
  const placeholder = field.nullable ? t('modelForm.model.automatic') : undefined;
  if (field.kind === 'switch') {
    return (
      <Switch
        {...common}
        checked={value === true}
        onChange={(event) => {
          onChange(event.currentTarget.checked);
        }}
      />
    );
  }
  if (field.kind === 'choice') {
    return (
      <Select
        {...common}
        placeholder={placeholder}
        value={typeof value === 'string' ? value : null}
        onChange={onChange}
        data={[...(field.options ?? [])]}
        clearable={field.nullable}
      />
    );
  }
  if (field.kind === 'integers') return <IntegersInput {...props} common={common} />;
  return (
    <NumberInput
      {...common}
      placeholder={placeholder}
      value={typeof value === 'number' ? value : ''}
      onChange={(next) => {
        onChange(next === '' ? null : next);
      }}
      allowDecimal={field.kind === 'number'}
      step={field.kind === 'number' ? 0.1 : 1}
      clampBehavior="none"
    />
  );
}

/** `32, 16` as whole numbers; null when it is none. */
function integersIn(text: string): number[] | null {
  const parts = text.split(/[\s,]+/).filter(Boolean);
  return parts.every((part) => /^\d+$/.test(part)) ? parts.map(Number) : null;
}

/** Whole numbers with commas between them, kept as they were typed. */
function IntegersInput({ value, onChange, common }: ParamInputProps & { common: object }) {
  const [text, setText] = useState(Array.isArray(value) ? value.join(', ') : '');
  return (
    <TextInput
      {...common}
      inputMode="numeric"
      placeholder="32, 16"
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        onChange(integersIn(event.currentTarget.value) ?? event.currentTarget.value);
      }}
    />
  );
}
