import { useComputedColorScheme } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { featureSeriesQuery } from '@/api/features';
import type { Instrument } from '@/shared/instrument';
import { buildIndicators, featuresOf, indicatorsFromText } from './indicators';

/** The indicators in the page's address as lines for the chart. */
export function useIndicators(instrument: Instrument, text: string | undefined) {
  const names = useMemo(() => indicatorsFromText(text), [text]);
  const series = useQuery(featureSeriesQuery(instrument, featuresOf(names)));
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  const lines = useMemo(
    () => buildIndicators(names, series.data, (variable) => colorIn(scheme, variable)),
    [names, series.data, scheme],
  );
  return { names, lines, error: series.error };
}

/** A canvas needs the colour itself. The page has it once it stands in the scheme, which it does before it renders. */
function colorIn(scheme: 'light' | 'dark', variable: string): string {
  const page = document.querySelector(`[data-mantine-color-scheme='${scheme}']`) ?? document.documentElement;
  return getComputedStyle(page).getPropertyValue(variable).trim();
}
