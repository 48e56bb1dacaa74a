import { Anchor, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Retraining, RetrainingStep } from '@/api/retraining';
import { useApiSentence } from '@/i18n/sentences';
import { useFormat } from '@/shared/format/useFormat';
import { ChecksList } from '../detail/VerdictView';
import classes from './CycleSteps.module.css';

/** Who the platform's own steps are entered by. */
const LOOP = 'retraining';
const GOOD: readonly RetrainingStep['event'][] = ['trained', 'passed', 'promoted', 'survived'];
const BAD: readonly RetrainingStep['event'][] = ['refused', 'broke', 'rolled_back', 'failed'];
/** Steps of which the API's words say more than the step's name and its checks. */
const TOLD: readonly RetrainingStep['event'][] = ['failed', 'superseded'];

function toneOf(event: RetrainingStep['event']): string | undefined {
  return GOOD.includes(event) ? 'good' : BAD.includes(event) ? 'bad' : undefined;
}

/** A retraining's trail, the newest step first: what happened, when, at whose hand, and what it was decided by. */
export function CycleSteps({ retraining }: { retraining: Retraining }) {
  const { t } = useTranslation();
  return (
    <ol reversed className={classes.steps} aria-label={t('retraining.trail')} data-testid="cycle-steps">
      {retraining.steps.toReversed().map((step) => (
        <li
          key={step.revision}
          className={classes.step}
          data-tone={toneOf(step.event)}
          data-event={step.event}
        >
          <Step step={step} retraining={retraining} />
        </li>
      ))}
    </ol>
  );
}

function Step({ step, retraining }: { step: RetrainingStep; retraining: Retraining }) {
  const { t } = useTranslation();
  const format = useFormat();
  const sentence = useApiSentence();
  const byPerson = step.actor !== LOOP;
  // Too few sessions to judge by is no check, but has to be told.
  const unjudged = step.event === 'survived' && step.checks.length === 0;
  const { champion, challenger } = retraining;
  return (
    <>
      <Text fz="sm" fw={600}>
        {t(`retraining.event.${step.event}`, { champion, challenger: challenger ?? '–' })}
      </Text>
      <Text fz="xs" className="muted">
        {t('retraining.stepAt', { at: format.instant(step.at), session: format.session(step.session) })}
        {byPerson && ` · ${step.actor}`}
      </Text>
      {(byPerson || TOLD.includes(step.event) || unjudged) && step.detail && (
        <Text fz="sm" mt={2} style={{ overflowWrap: 'anywhere' }}>
          {byPerson ? step.detail : sentence(step.detail)}
        </Text>
      )}
      {step.event === 'submitted' && <TrainingLink retraining={retraining} />}
      {step.checks.length > 0 && <Checks step={step} />}
    </>
  );
}

function TrainingLink({ retraining }: { retraining: Retraining }) {
  const { t } = useTranslation();
  if (retraining.job_id === null) return null;
  return (
    <Anchor
      fz="xs"
      renderRoot={(props) => (
        <Link
          to="/models/$modelId"
          params={{ modelId: retraining.model_id }}
          search={{ tab: 'retraining', train: retraining.job_id ?? undefined }}
          {...props}
        />
      )}
    >
      {t('retraining.toTraining')}
    </Anchor>
  );
}

function Checks({ step }: { step: RetrainingStep }) {
  const { t } = useTranslation();
  const failed = step.checks.filter((check) => !check.passed).length;
  const count = step.checks.length;
  return (
    <details className={classes.checks} open={failed > 0}>
      <summary>
        {failed > 0
          ? t('retraining.checks.failed', { failed, count })
          : t('retraining.checks.passed', { count })}
      </summary>
      <ChecksList checks={step.checks} />
    </details>
  );
}
