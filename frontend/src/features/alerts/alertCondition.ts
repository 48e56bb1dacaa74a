import type { Alert } from '@/api/alerts';
import type { Values } from '@/i18n/useApiText';

type Told = Pick<Alert, 'fingerprint' | 'subject' | 'value' | 'threshold'>;

/**
 * What an alert is about, as its fingerprint names it (`coverage:5:US:AAPL`, `metrics_anomaly:backend1:latency`): the
 * code of its texts in other languages than the API's, and what they speak of.
 */
export function conditionOf({ fingerprint, subject, value, threshold }: Told): {
  code: string;
  values: Values;
} {
  const [name = '', ...parts] = fingerprint.replace(`:${subject}`, '').split(':');
  const last = parts.at(-1) ?? '';
  const horizon = /^\d+$/.test(last) ? Number(last) : undefined;
  // A bias is told by its sign, and a kind by its name.
  const kind = name === 'bias' ? (Number(value) > 0 ? 'high' : 'low') : horizon === undefined ? last : '';
  const size = value === null ? undefined : Math.abs(value);
  return {
    code: ['alert', name, kind].filter(Boolean).join('.'),
    values: { subject, horizon, value, threshold, size },
  };
}
