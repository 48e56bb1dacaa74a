import type { Alert } from '@/api/alerts';
import { useApiText } from '@/i18n/useApiText';
import { conditionOf } from './alertCondition';

/** What is wrong, in the page's language. */
export function useSayAlert(): (alert: Alert) => { title: string; detail: string } {
  const say = useApiText();
  return (alert) => {
    const { code, values } = conditionOf(alert);
    return {
      title: say(`${code}.title`, alert.title, values),
      detail: say(`${code}.detail`, alert.detail, values),
    };
  };
}

export function useAlertText(alert: Alert): { title: string; detail: string } {
  return useSayAlert()(alert);
}
