import { NumberInput, Progress, SegmentedControl, Text } from '@mantine/core';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/shared/format/useFormat';
import { isWhole, MODES, type PolicyForm, type TriggerName } from './policyForm';
import classes from './PolicyFields.module.css';

interface TriggerRowProps {
  trigger: TriggerName;
  rule: PolicyForm[TriggerName];
  /** what it looks at now, in the unit of its threshold; null: not known */
  current: number | null | undefined;
  /** whether there is anything that it could look at */
  watched: boolean;
  error: string | undefined;
  disabled: boolean;
  onChange: (rule: PolicyForm[TriggerName]) => void;
}

/** One trigger: what it does when it fires, from which number on, and how near it is now. */
export function TriggerRow({ trigger, rule, current, watched, error, disabled, onChange }: TriggerRowProps) {
  const { t } = useTranslation();
  const name = useId();
  return (
    <div role="group" aria-labelledby={name} className={classes.trigger} data-testid={`trigger-${trigger}`}>
      <div>
        <Text fz="sm" fw={600} id={name}>
          {t(`retraining.trigger.${trigger}`)}
        </Text>
        <Text fz="xs" className="muted">
          {t(`retraining.triggerHint.${trigger}`)}
        </Text>
      </div>
      <SegmentedControl
        size="xs"
        aria-label={t('retraining.modeOf', { trigger: t(`retraining.trigger.${trigger}`) })}
        value={rule.mode}
        disabled={disabled}
        onChange={(mode) => {
          onChange({ ...rule, mode });
        }}
        data={MODES.map((value) => ({ value, label: t(`retraining.mode.${value}`) }))}
      />
      <div>
        <NumberInput
          size="xs"
          aria-label={t('retraining.thresholdOf', { trigger: t(`retraining.trigger.${trigger}`) })}
          value={rule.threshold}
          onChange={(threshold) => {
            onChange({ ...rule, threshold });
          }}
          suffix={` ${t(`retraining.suffix.${trigger}`)}`}
          allowDecimal={!isWhole(trigger)}
          step={trigger === 'error' ? 0.1 : 1}
          clampBehavior="none"
          disabled={disabled}
          error={error}
          data-testid={`threshold-${trigger}`}
        />
        {watched && <Nearness value={current} threshold={rule.threshold} off={rule.mode === 'off'} />}
      </div>
    </div>
  );
}

interface NearnessProps {
  value: number | null | undefined;
  threshold: number | string;
  off: boolean;
}

/** What the trigger looks at now, against its threshold. */
function Nearness({ value, threshold, off }: NearnessProps) {
  const { t } = useTranslation();
  const format = useFormat();
  if (value === undefined) return <div className={classes.nearness} />;
  if (value === null) {
    return (
      <Text fz="xs" className={`muted ${classes.nearness}`}>
        {t('retraining.unknownNow')}
      </Text>
    );
  }
  const share = typeof threshold === 'number' && threshold > 0 ? value / threshold : 0;
  const words = t('retraining.now', { value: format.number(value) });
  return (
    <div className={classes.nearness}>
      <Progress
        size={4}
        value={Math.min(share, 1) * 100}
        color={off ? 'gray' : share >= 1 ? 'orange' : 'teal'}
        aria-label={words}
      />
      <Text fz="xs" className="muted">
        {words}
        {share >= 1 && ` · ${t(off ? 'retraining.wouldFire' : 'retraining.fires')}`}
      </Text>
    </div>
  );
}
