import { Badge, Tooltip } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { accuracyQuery } from '@/api/accuracy';
import type { Prediction } from '@/api/predictions';
import { useFormat } from '@/shared/format/useFormat';
import { skillVerdict, type SkillVerdict } from './skill';

const COLORS: Record<SkillVerdict['kind'], string> = { early: 'gray', noBetter: 'yellow', ahead: 'teal' };

/** Whether the model that made a prediction has beaten the random walk so far. */
export function SkillBadge({ prediction }: { prediction: Prediction }) {
  const { t } = useTranslation();
  const format = useFormat();
  const accuracies = useQuery(accuracyQuery());
  const verdict = accuracies.data && skillVerdict(prediction, accuracies.data);
  if (!verdict) return null;
  const skill = verdict.skill === null ? '–' : format.change(verdict.skill);
  return (
    <Tooltip
      label={t('skill.hint', { skill, count: verdict.sessions })}
      multiline
      maw={300}
      events={{ hover: true, focus: true, touch: true }}
    >
      <Badge color={COLORS[verdict.kind]} data-testid="skill-badge" data-kind={verdict.kind}>
        {t(`skill.${verdict.kind}`, { skill })}
      </Badge>
    </Tooltip>
  );
}
