import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Curves } from '@/api/modelVersions';
import { useFormat } from '@/shared/format/useFormat';
import { linesChart } from '@/shared/charts/builders';
import { ChartPanel } from './ChartPanel';

/** The random walk's squared error that was saved up to each session: where it rises the model was better. */
export function SkillChart({ curve }: { curve: Curves['cumulative_skill'][number] | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  const build = useMemo(() => {
    if (!curve || curve.sessions.length === 0) return null;
    return linesChart({
      lines: [
        {
          name: t('curves.skill.line'),
          values: curve.sessions.map((session, index) => [session, curve.gained[index] ?? 0]),
          color: (colors) => colors.forecast,
        },
      ],
      x: { kind: 'category', name: '', write: format.session },
      y: { write: (value) => format.percent(value, 2) },
      level: { value: 0, name: t('curves.skill.level') },
    });
  }, [curve, format, t]);
  const last = curve?.gained.at(-1) ?? 0;
  return (
    <ChartPanel
      title={t('curves.skill.title')}
      description={t('curves.skill.detail')}
      build={build}
      label={t('curves.skill.label', { skill: format.percent(last, 2) })}
      missing={t('curves.missing')}
      testId="chart-skill"
    />
  );
}
