import { Button, Group, Stack, Text } from '@mantine/core';
import { IconChevronDown, IconChevronUp, IconHistory } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Retraining } from '@/api/retraining';
import { useFormat } from '@/shared/format/useFormat';
import { MoreButton } from '@/shared/ui/MoreButton';
import { Panel } from '@/shared/ui/Panel';
import { EmptyState } from '@/shared/ui/States';
import { failedChecks } from './cycle';
import { CycleBadge } from './CycleBadge';
import { CycleFacts } from './CycleFacts';
import { CycleSteps } from './CycleSteps';
import classes from './HistoryPanel.module.css';
import { Reasons, versionsText } from './Reasons';
import { StageTrack } from './StageTrack';

interface HistoryPanelProps {
  ended: readonly Retraining[];
  /** the one whose trail is shown */
  opened: string | undefined;
  onOpen: (id: string | undefined) => void;
  more: { hidden: boolean; loading: boolean; show: () => void };
}

/** The retrainings that have ended, the newest first: how, and why. */
export function HistoryPanel({ ended, opened, onOpen, more }: HistoryPanelProps) {
  const { t } = useTranslation();
  return (
    <Panel title={t('retraining.history.title')} description={t('retraining.history.detail')}>
      {ended.length === 0 && (
        <EmptyState icon={<IconHistory size={26} />} title={t('retraining.history.none.title')}>
          {t('retraining.history.none.detail')}
        </EmptyState>
      )}
      {ended.length > 0 && (
        <ul className={classes.list}>
          {ended.map((retraining) => (
            <Ended
              key={retraining.id}
              retraining={retraining}
              opened={opened === retraining.id}
              onToggle={() => {
                onOpen(opened === retraining.id ? undefined : retraining.id);
              }}
            />
          ))}
        </ul>
      )}
      <MoreButton label={t('history.more')} hidden={more.hidden} loading={more.loading} onMore={more.show} />
    </Panel>
  );
}

interface EndedProps {
  retraining: Retraining;
  opened: boolean;
  onToggle: () => void;
}

function Ended({ retraining, opened, onToggle }: EndedProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const session = format.session(retraining.session);
  return (
    <li className={classes.item} data-testid="ended-retraining" data-state={retraining.state}>
      <Group justify="space-between" align="flex-start" wrap="nowrap" gap="sm">
        <Stack gap={6}>
          <Group gap="xs">
            <CycleBadge state={retraining.state} />
            <Text fz="sm" fw={600}>
              {session}
            </Text>
            <Text fz="sm" className="muted">
              {versionsText(retraining, t)}
            </Text>
          </Group>
          <Outcome retraining={retraining} />
          <Reasons reasons={retraining.reasons} />
        </Stack>
        <Button
          size="compact-sm"
          variant="subtle"
          flex="none"
          rightSection={opened ? <IconChevronUp size={14} /> : <IconChevronDown size={14} />}
          aria-expanded={opened}
          aria-label={t('retraining.history.openOf', { session })}
          onClick={onToggle}
        >
          {t('retraining.history.open')}
        </Button>
      </Group>
      {opened && (
        <Stack gap="lg" mt="lg">
          <StageTrack retraining={retraining} />
          <CycleFacts retraining={retraining} />
          <CycleSteps retraining={retraining} />
        </Stack>
      )}
    </li>
  );
}

/** How it ended in a sentence, with what spoke against it. */
function Outcome({ retraining }: { retraining: Retraining }) {
  const { t } = useTranslation();
  const { state, champion, challenger, steps } = retraining;
  const failed = failedChecks(steps).map((check) =>
    t(`gate.check.${check.name}` as 'gate.check.calibrated', check.name),
  );
  const against = failed.length > 0 && (state === 'rejected' || state === 'rolled_back');
  return (
    <Text fz="sm">
      {t(`retraining.about.${state}`, { champion, challenger: challenger ?? '–' })}
      {against && ` ${t('trail.failed', { checks: failed.join('; ') })}`}
    </Text>
  );
}
