import { VisuallyHidden } from '@mantine/core';
import { IconCheck, IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Retraining } from '@/api/retraining';
import { STAGES, stageMarks } from './cycle';
import classes from './StageTrack.module.css';

/** How far a retraining has come of what each goes through. */
export function StageTrack({ retraining }: { retraining: Retraining }) {
  const { t } = useTranslation();
  const marks = stageMarks(retraining);
  return (
    <ol className={classes.track} aria-label={t('retraining.stages')}>
      {STAGES.map((stage) => {
        const mark = marks[stage];
        return (
          <li
            key={stage}
            className={classes.stage}
            data-mark={mark}
            aria-current={mark === 'now' ? 'step' : undefined}
          >
            <span className={classes.dot} aria-hidden>
              {mark === 'done' && <IconCheck size={12} stroke={3} />}
              {mark === 'stopped' && <IconX size={12} stroke={3} />}
            </span>
            <span className={classes.name}>
              {t(`retraining.stage.${stage}`)}
              <VisuallyHidden>, {t(`retraining.mark.${mark}`)}</VisuallyHidden>
            </span>
          </li>
        );
      })}
    </ol>
  );
}
