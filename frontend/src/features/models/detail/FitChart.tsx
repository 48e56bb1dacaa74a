import { useCallback, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { FitHistory } from '@/api/modelVersions';
import { linesChart } from '@/shared/charts/builders';
import { useFormat } from '@/shared/format/useFormat';
import { ChartPanel } from './ChartPanel';

/** Loss by iteration of the model that serves: where the two part, it began to learn by heart. */
export function FitChart({ fit }: { fit: FitHistory }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { train_loss: train, validation_loss: validation } = fit;
  // Losses of squared returns are small numbers.
  const write = useCallback((value: number) => format.number(Number(value.toPrecision(3)), 8), [format]);
  const build = useMemo(() => {
    const along = (values: readonly number[]) => values.map((value, index) => [index + 1, value] as const);
    const known = [
      { name: t('curves.learning.validation'), values: along(validation), color: 'forecast' as const },
      { name: t('curves.learning.train'), values: along(train), color: 'text' as const },
    ];
    return linesChart({
      lines: known
        .filter((line) => line.values.length > 0)
        .map(({ color, ...line }) => ({ ...line, color: (colors) => colors[color] })),
      x: { kind: 'value', name: t('curves.fit.iteration'), write: (value) => format.integer(Number(value)) },
      y: { write },
    });
  }, [train, validation, format, write, t]);
  return (
    <ChartPanel
      title={t('curves.fit.title')}
      description={t('curves.fit.detail')}
      build={build}
      label={t('curves.fit.label', {
        count: train.length,
        from: write(train[0] ?? 0),
        to: write(train.at(-1) ?? 0),
      })}
      missing={t('curves.missing')}
      testId="chart-fit"
    />
  );
}
