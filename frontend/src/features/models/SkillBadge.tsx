import { Badge, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/shared/format/useFormat';
import { Hint } from '@/shared/ui/Hint';

interface SkillBadgeProps {
  /** one session ahead; null where the sample does not define it */
  skill: number | null;
  /** horizons at which the random walk is beaten beyond chance */
  better: readonly number[];
}

/** Whether a version beats the random walk, and by how much one session ahead. */
export function SkillBadge({ skill, better }: SkillBadgeProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const beats = better.length > 0;
  const hint = beats
    ? t('train.better', { horizons: better.join(', '), count: better.length })
    : t('train.notBetter');
  return (
    <Hint label={hint}>
      <Badge color={beats ? 'teal' : 'gray'} miw="max-content" tabIndex={0} data-beats={beats}>
        {skill === null ? '–' : format.change(skill)}
        <Text span inherit visibleFrom="sm">
          {` · ${t(beats ? 'models.skill.better' : 'models.skill.same')}`}
        </Text>
      </Badge>
    </Hint>
  );
}
