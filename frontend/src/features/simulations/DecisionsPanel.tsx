import { Badge, Card, Skeleton, Text } from '@mantine/core';
import { IconListCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { decisionsQuery, isAtWork, type Simulation, type SimulationDecision } from '@/api/simulations';
import { useApiSentence } from '@/i18n/sentences';
import type { Format } from '@/shared/format/format';
import { useFormat } from '@/shared/format/useFormat';
import type { Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { MoreButton } from '@/shared/ui/MoreButton';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';

type Sentence = ReturnType<typeof useApiSentence>;

const PAGE = 100;
/** The API lists no more at once. */
const MOST = 500;
const COLORS: Partial<Record<SimulationDecision['event'], string>> = {
  passed: 'teal',
  promoted: 'teal',
  survived: 'teal',
  refused: 'yellow',
  broke: 'red',
  rolled_back: 'red',
  failed: 'red',
};

/** Every step of its retrainings, the newest first. */
export function DecisionsPanel({ simulation }: { simulation: Simulation }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [limit, setLimit] = useState(PAGE);
  const decisions = useQuery(decisionsQuery(simulation.simulation_id, limit, simulation.sessions_done));
  const sentence = useApiSentence();
  const columns = useMemo(() => columnsOf(t, format, sentence), [t, format, sentence]);
  const items = decisions.data?.items;
  return (
    <Card component="section">
      {decisions.isPending && <Skeleton height={240} />}
      {decisions.isError && <ProblemAlert error={decisions.error} onRetry={decisions.refetch} />}
      {items?.length === 0 && (
        <EmptyState icon={<IconListCheck size={26} />} title={t('simulation.decisions.none.title')}>
          {t(`simulation.decisions.none.${isAtWork(simulation.state) ? 'yet' : 'never'}`)}
        </EmptyState>
      )}
      {items && items.length > 0 && (
        <DataTable
          label={t('simulation.tab.decisions')}
          columns={columns}
          rows={items}
          rowKey={(item) => `${item.retraining_id} ${item.event} ${item.to_state}`}
          csv={`simulation-${simulation.simulation_id.slice(0, 8)}-decisions`}
          testId="decisions-table"
        />
      )}
      <MoreButton
        label={t('history.more')}
        hidden={!items || items.length < limit || limit >= MOST}
        loading={decisions.isPlaceholderData}
        onMore={() => {
          setLimit(Math.min(limit + PAGE, MOST));
        }}
      />
    </Card>
  );
}

/** A model that serves from the first day on though the gate refused it: something has to. */
function isFirst(item: SimulationDecision): boolean {
  return item.event === 'promoted' && item.from_state === null;
}

/** What spoke against it, check by check; else the words of what cannot be put into checks. */
function whyOf(item: SimulationDecision, t: TFunction, sentence: Sentence): string {
  const failed = item.checks.filter((check) => !check.passed);
  if (failed.length > 0) {
    return failed
      .map((check) => t(`gate.check.${check.name}` as 'gate.check.calibrated', check.name))
      .join('; ');
  }
  return item.event === 'failed' || item.event === 'superseded' ? sentence(item.detail) : '';
}

function columnsOf(t: TFunction, format: Format, sentence: Sentence): readonly Column<SimulationDecision>[] {
  return [
    {
      id: 'session',
      header: t('simulation.decisions.session'),
      value: (item) => item.session,
      cell: (item) => <span className="nowrap">{format.session(item.session)}</span>,
    },
    { id: 'ticker', header: t('dataset.ticker'), value: (item) => item.ticker },
    {
      id: 'event',
      header: t('simulation.decisions.event'),
      value: (item) => item.event,
      cell: (item) =>
        isFirst(item) ? (
          <Badge color="yellow">{t('simulation.decisions.first')}</Badge>
        ) : (
          <Badge color={COLORS[item.event] ?? 'gray'}>{t(`simulation.event.${item.event}`)}</Badge>
        ),
    },
    {
      id: 'challenger',
      header: t('retraining.challenger'),
      value: (item) => item.challenger,
      cell: (item) =>
        item.challenger === null ? '–' : t('retraining.policies.serves', { version: item.challenger }),
      visibleFrom: 'xs',
    },
    {
      id: 'why',
      header: t('trail.column.why'),
      value: (item) => whyOf(item, t, sentence),
      cell: (item) => (
        <Text fz="sm" maw={480}>
          {whyOf(item, t, sentence)}
        </Text>
      ),
      visibleFrom: 'sm',
    },
  ];
}
