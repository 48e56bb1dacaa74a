import { Badge, Group } from '@mantine/core';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { Retraining, RetrainingReason } from '@/api/retraining';
import type { Format } from '@/shared/format/format';
import { useFormat } from '@/shared/format/useFormat';
import { shownThreshold, type TriggerName } from '@/features/retraining/policyForm';

/** A number that a trigger looks at, with its unit. */
export function triggerNumber(trigger: TriggerName, value: number, t: TFunction, format: Format): string {
  return t(`retraining.unit.${trigger}`, {
    value: format.number(shownThreshold(trigger, value)),
    count: Math.round(value),
  });
}

/** `v3 → v4`; before the challenger is trained, the champion alone. */
export function versionsText(
  { champion, challenger }: Pick<Retraining, 'champion' | 'challenger'>,
  t: TFunction,
) {
  return challenger === null
    ? t('retraining.policies.serves', { version: champion })
    : t('retraining.versions', { champion, challenger });
}

/** Why it began: each trigger with what it saw, and from where on it fires. */
export function reasonText(
  { trigger, value, threshold }: RetrainingReason,
  t: TFunction,
  format: Format,
): string {
  if (trigger === 'hand' || value === null || threshold === null) return t('retraining.trigger.hand');
  return t('retraining.reason', {
    trigger: t(`retraining.trigger.${trigger}`),
    value: triggerNumber(trigger, value, t, format),
    threshold: triggerNumber(trigger, threshold, t, format),
  });
}

/** A sentence is longer than a phone is wide. */
const WRAPPED = { label: { whiteSpace: 'normal', textTransform: 'none' } } as const;

export function Reasons({ reasons }: { reasons: readonly RetrainingReason[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Group gap={6}>
      {reasons.map((reason) => (
        <Badge key={reason.trigger} color="gray" h="auto" py={3} styles={WRAPPED}>
          {reasonText(reason, t, format)}
        </Badge>
      ))}
    </Group>
  );
}
