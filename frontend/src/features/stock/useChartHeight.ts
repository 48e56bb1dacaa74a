import { useMatches } from '@mantine/core';
import { indicatorsFromText, ownPanes } from './indicators';
import { useStockSearch } from './useStock';

/** What a pane of an indicator adds to the chart's height (px). */
const PANE_HEIGHT = 116;

/** Of the chart (px), by the width of the page and the indicators in its address: known before anything has come. */
export function useChartHeight(): number {
  const { search } = useStockSearch();
  const candles = useMatches({ base: 340, sm: 440 });
  return candles + ownPanes(indicatorsFromText(search.indicators)) * PANE_HEIGHT;
}
