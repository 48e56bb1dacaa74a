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
    () => buildIndicators(names, series.data, (variable) => colorOf(variable, scheme)),
    [names, series.data, scheme],
  );
  return { names, lines, error: series.error };
}

/** A canvas needs the colour itself; the scheme tells when it is another one. */
function colorOf(variable: string, _scheme: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
}
