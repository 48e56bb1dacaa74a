import { NumberInput, SegmentedControl, SimpleGrid, Stack, Text } from '@mantine/core';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import type { RetrainingEvidence } from '@/api/retraining';
import type { FormErrors } from '@/shared/form/fieldErrors';
import {
  CHALLENGERS,
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
      <ChallengerRow form={form} errors={errors} disabled={disabled} onChange={onChange} />
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

/** What is trained: the same definition, or the winner of a search, of how many trials. */
function ChallengerRow({ form, errors, disabled, onChange }: Omit<PolicyFieldsProps, 'evidence'>) {
  const { t } = useTranslation();
  const name = useId();
  return (
    <div role="group" aria-labelledby={name} className={classes.trigger} data-testid="policy-challenger">
      <div>
        <Text fz="sm" fw={600} id={name}>
          {t('retraining.challengerBy.title')}
        </Text>
        <Text fz="xs" className="muted">
          {t(`retraining.challengerBy.hint.${form.challenger}`)}
        </Text>
        {errors.fields.challenger !== undefined && (
          <Text fz="xs" c="red" role="alert">
            {errors.fields.challenger}
          </Text>
        )}
      </div>
      <SegmentedControl
        size="xs"
        aria-labelledby={name}
        value={form.challenger}
        disabled={disabled}
        onChange={(challenger) => {
          onChange({ ...form, challenger });
        }}
        data={CHALLENGERS.map((value) => ({ value, label: t(`retraining.challengerBy.${value}`) }))}
      />
      {form.challenger === 'search' && (
        <NumberInput
          size="xs"
          aria-label={t('retraining.challengerBy.trials')}
          value={form.search_trials}
          onChange={(search_trials) => {
            onChange({ ...form, search_trials });
          }}
          suffix={` ${t('retraining.challengerBy.suffix')}`}
          allowDecimal={false}
          clampBehavior="none"
          disabled={disabled}
          error={errors.fields.search_trials}
          data-testid="policy-search_trials"
        />
      )}
    </div>
  );
}
