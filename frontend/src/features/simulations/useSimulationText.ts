import { useTranslation } from 'react-i18next';
import type { Simulation } from '@/api/simulations';
import { useFormat } from '@/shared/format/useFormat';

/** So many tickers are named one by one. */
const NAMED = 4;

/** How a simulation is called, and the years that it went through. */
export function useSimulationText() {
  const { t } = useTranslation();
  const format = useFormat();
  const tickers = ({ request }: Simulation) =>
    request.tickers.length <= NAMED
      ? request.tickers.join(', ')
      : t('simulation.tickersAndMore', {
          tickers: request.tickers.slice(0, NAMED - 1).join(', '),
          count: request.tickers.length - NAMED + 1,
        });
  return {
    tickers,
    title: (simulation: Simulation) => simulation.name || tickers(simulation),
    span: ({ request }: Simulation) => `${format.session(request.first)} – ${format.session(request.last)}`,
    /** "about 12 minutes" */
    left: (seconds: number) =>
      seconds < 90
        ? t('simulation.left.seconds', { count: Math.max(Math.round(seconds), 1) })
        : t('simulation.left.minutes', { count: Math.round(seconds / 60) }),
  };
}
