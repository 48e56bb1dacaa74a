import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Curves } from '@/api/modelVersions';
import { useFormat } from '@/shared/format/useFormat';
import { linesChart } from '@/shared/charts/builders';
import { ChartPanel } from './ChartPanel';

/** How often returns lay inside their intervals, over about a year up to each session. */
export function CoverageChart({ curve }: { curve: Curves['coverage'][number] | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  const build = useMemo(() => {
    if (!curve || curve.sessions.length === 0) return null;
    return linesChart({
      lines: [
        {
          name: t('curves.coverage.line'),
          values: curve.sessions.map((session, index) => [session, curve.covered[index] ?? 0]),
          color: (colors) => colors.up,
        },
      ],
      x: { kind: 'category', name: '', write: format.session },
      y: { write: (value) => format.percent(value), max: 1 },
      level: { value: curve.level, name: `${t('curves.coverage.level')} ${format.percent(curve.level)}` },
    });
  }, [curve, format, t]);
  return (
    <ChartPanel
      title={t('curves.coverage.title')}
      description={t('curves.coverage.detail', { count: curve?.window ?? 0 })}
      build={build}
      label={t('curves.coverage.label', {
        level: format.percent(curve?.level ?? 0),
        covered: format.percent(curve?.covered.at(-1) ?? 0),
      })}
      missing={t('curves.coverage.missing')}
      testId="chart-coverage"
    />
  );
}
