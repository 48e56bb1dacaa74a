import { Badge } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { accuracyQuery } from '@/api/accuracy';
import { modelsQuery, type ModelFilters } from '@/api/models';
import type { Prediction } from '@/api/predictions';
import { useFormat } from '@/shared/format/useFormat';
import { Hint } from '@/shared/ui/Hint';
import { skillVerdict, type SkillVerdict } from './skill';

const COLORS: Record<SkillVerdict['kind'], string> = {
  better: 'teal',
  ahead: 'teal',
  noBetter: 'yellow',
  early: 'gray',
};

const ALL: ModelFilters = {};
/** What could not be read is not known. */
const NONE: readonly never[] = [];

/** Whether the model that made a prediction beats the random walk: on history, and since. */
export function SkillBadge({ prediction }: { prediction: Prediction }) {
  const { t } = useTranslation();
  const accuracies = useQuery(accuracyQuery());
  const models = useQuery(modelsQuery(ALL));
  const hint = useHint();
  if (models.isPending || accuracies.isPending) return null;
  const verdict = skillVerdict(prediction, accuracies.data ?? NONE, models.data?.items ?? NONE);
  if (!verdict) return null;
  return (
    <Hint label={hint(verdict)}>
      <Badge color={COLORS[verdict.kind]} tabIndex={0} data-testid="skill-badge" data-kind={verdict.kind}>
        {t(`skill.${verdict.kind}`)}
      </Badge>
    </Hint>
  );
}

function useHint(): (verdict: SkillVerdict) => string {
  const { t } = useTranslation();
  const format = useFormat();
  const share = (skill: number | null) => (skill === null ? '–' : format.change(skill));
  return ({ validated, skill, sessions }) =>
    [
      validated !== null && t('skill.validated', { skill: share(validated) }),
      sessions > 0 && t('skill.settled', { skill: share(skill), count: sessions }),
      t('skill.meaning'),
    ]
      .filter((words) => words !== false)
      .join(' ');
}
