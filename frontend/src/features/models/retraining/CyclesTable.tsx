import { Anchor, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { ListedModel } from '@/api/models';
import type { Retraining } from '@/api/retraining';
import type { Format } from '@/shared/format/format';
import { useFormat } from '@/shared/format/useFormat';
import type { Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { CycleBadge } from './CycleBadge';
import { reasonText, versionsText } from './Reasons';

interface CyclesTableProps {
  retrainings: readonly Retraining[];
  /** by id; undefined until they are known */
  models: ReadonlyMap<string, ListedModel> | undefined;
}

export function CyclesTable({ retrainings, models }: CyclesTableProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const columns = useMemo(() => columnsOf(t, format, models), [t, format, models]);
  return (
    <DataTable
      label={t('retraining.all.title')}
      columns={columns}
      rows={retrainings}
      rowKey={(retraining) => retraining.id}
      csv="retrainings"
      testId="retrainings-table"
    />
  );
}

function columnsOf(
  t: TFunction,
  format: Format,
  models: CyclesTableProps['models'],
): readonly Column<Retraining>[] {
  const nameOf = (item: Retraining) => models?.get(item.model_id)?.name;
  const why = (item: Retraining) => item.reasons.map((reason) => reasonText(reason, t, format)).join('; ');
  return [
    {
      id: 'model',
      header: t('retraining.all.column.model'),
      value: (item) => nameOf(item) ?? item.registered_name,
      cell: (item) => <ModelCell retraining={item} name={nameOf(item)} known={models !== undefined} />,
    },
    {
      id: 'state',
      header: t('retraining.all.column.state'),
      value: (item) => item.state,
      cell: (item) => <CycleBadge state={item.state} />,
    },
    {
      id: 'versions',
      header: t('retraining.all.column.versions'),
      value: (item) => versionsText(item, t),
      cell: (item) => <span className="nowrap">{versionsText(item, t)}</span>,
      visibleFrom: 'xs',
    },
    {
      id: 'why',
      header: t('retraining.all.column.reasons'),
      value: why,
      cell: (item) => (
        <Text fz="sm" maw={380}>
          {why(item)}
        </Text>
      ),
      visibleFrom: 'md',
    },
    {
      id: 'session',
      header: t('retraining.all.column.session'),
      value: (item) => item.session,
      cell: (item) => <span className="nowrap">{format.session(item.session)}</span>,
      visibleFrom: 'sm',
    },
    {
      id: 'updated',
      header: t('retraining.all.column.updated'),
      value: (item) => item.updated_at,
      cell: (item) => <span className="nowrap">{format.instant(item.updated_at)}</span>,
      visibleFrom: 'lg',
    },
  ];
}

interface ModelCellProps {
  retraining: Retraining;
  name: string | undefined;
  /** whether the models are known; one without a name then is deleted */
  known: boolean;
}

function ModelCell({ retraining, name, known }: ModelCellProps) {
  const { t } = useTranslation();
  if (known && name === undefined) {
    return (
      <Text fz="sm">
        {retraining.registered_name} <span className="muted">({t('retraining.all.deleted')})</span>
      </Text>
    );
  }
  const ended = retraining.ended_at !== null;
  return (
    <div>
      <Anchor
        fz="sm"
        fw={600}
        renderRoot={(props) => (
          <Link
            to="/models/$modelId"
            params={{ modelId: retraining.model_id }}
            search={{ tab: 'retraining', cycle: ended ? retraining.id : undefined }}
            {...props}
          />
        )}
      >
        {name ?? retraining.registered_name}
      </Anchor>
      <Text fz="xs" className="muted">
        {retraining.registered_name}
      </Text>
    </div>
  );
}
