import { NumberInput, SimpleGrid, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { RetrainingEvidence } from '@/api/retraining';
import type { FormErrors } from '@/shared/form/fieldErrors';
import {
  currentValue,
  isWhole,
  TRIAL_FIELDS,
  TRIGGERS,
  type PolicyField,
  type PolicyForm,
} from './policyForm';
import classes from './PolicyFields.module.css';
import { TriggerRow } from './TriggerRow';

interface PolicyFieldsProps {
  form: PolicyForm;
  errors: FormErrors<PolicyField>;
  /** what the triggers look at now, where that is known; null: there is nothing to look at */
  evidence: RetrainingEvidence | null | undefined;
  disabled: boolean;
  onChange: (form: PolicyForm) => void;
}

/** Which triggers let a retraining begin, and how a challenger is tried before and after it serves. */
export function PolicyFields({ form, errors, evidence, disabled, onChange }: PolicyFieldsProps) {
  const { t } = useTranslation();
  return (
    <Stack gap="md">
      <div className={classes.triggers}>
        {TRIGGERS.map((trigger) => (
          <TriggerRow
            key={trigger}
            trigger={trigger}
            rule={form[trigger]}
            current={evidence && currentValue(trigger, evidence)}
            watched={evidence !== null}
            error={errors.fields[trigger]}
            disabled={disabled}
            onChange={(rule) => {
              onChange({ ...form, [trigger]: rule });
            }}
          />
        ))}
      </div>
      <Text fz="sm" fw={600}>
        {t('retraining.policy.trial')}
      </Text>
      <SimpleGrid cols={{ base: 1, xs: 2, lg: 4 }}>
        {TRIAL_FIELDS.map((field) => (
          <NumberInput
            key={field}
            label={t(`retraining.trial.${field}`)}
            description={t(`retraining.trialHint.${field}`)}
            value={form[field]}
            onChange={(value) => {
              onChange({ ...form, [field]: value });
            }}
            allowDecimal={!isWhole(field)}
            step={isWhole(field) ? 1 : 0.1}
            clampBehavior="none"
            disabled={disabled}
            error={errors.fields[field]}
            data-testid={`policy-${field}`}
          />
        ))}
      </SimpleGrid>
    </Stack>
  );
}
