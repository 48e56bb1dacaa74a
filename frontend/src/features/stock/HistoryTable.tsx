import { Button, Text } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Prediction } from '@/api/predictions';
import { ModelBadge } from '@/features/forecast/ModelBadge';
import { isInside } from '@/features/forecast/outcome';
import { useFormat } from '@/shared/format/useFormat';
import { actionColumn, sortFromText, sortToText, type Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { useInstrument, useStockSearch } from './useStock';

/** Predictions to be sorted, exported and opened. */
export function HistoryTable({ items }: { items: readonly Prediction[] }) {
  const { t } = useTranslation();
  const { exchange, ticker } = useInstrument();
  const { search, update } = useStockSearch();
  const columns = useColumns();
  return (
    <DataTable
      label={t('history.title')}
      columns={columns}
      rows={items}
      rowKey={(item) => item.prediction_id}
      rowProps={(item) => ({ 'data-settled': item.actual_close != null })}
      csv={`${exchange}-${ticker}-predictions`}
      sort={sortFromText(search.sort)}
      onSort={(sort) => {
        update({ sort: sortToText(sort) });
      }}
      maxHeight={480}
      testId="prediction-history"
    />
  );
}

function useColumns(): readonly Column<Prediction>[] {
  const { t } = useTranslation();
  const format = useFormat();
  return useMemo((): readonly Column<Prediction>[] => {
    const bound = (id: 'lower' | 'upper'): Column<Prediction> => ({
      id,
      header: t(`history.${id}`),
      value: (item) => item[id],
      cell: (item) => <span className="muted">{item[id] == null ? '–' : format.price(item[id])}</span>,
      align: 'right',
      visibleFrom: 'md',
    });
    return [
      {
        id: 'target',
        header: t('history.target'),
        value: (item) => item.target_session,
        cell: (item) => (
          <span className="nowrap">
            {format.session(item.target_session)}
            <Text fz="xs" className="muted">
              {t('history.from', { day: format.sessionShort(item.as_of), count: item.horizon })}
            </Text>
          </span>
        ),
      },
      {
        id: 'predicted',
        header: t('history.predicted'),
        value: (item) => item.predicted_close,
        cell: (item) => <strong>{format.price(item.predicted_close)}</strong>,
        align: 'right',
      },
      bound('lower'),
      bound('upper'),
      {
        id: 'actual',
        header: t('history.actual'),
        value: (item) => item.actual_close,
        cell: (item) => <Actual item={item} />,
        align: 'right',
      },
      {
        id: 'error',
        header: t('history.error'),
        value: (item) => item.error_pct,
        cell: (item) => (item.error_pct == null ? '' : format.change(item.error_pct)),
        align: 'right',
        visibleFrom: 'xs',
      },
      {
        id: 'model',
        header: t('history.model'),
        value: (item) => `${item.model_name} ${item.model_version ?? ''}`.trim(),
        cell: (item) => <ModelBadge prediction={item} short />,
        visibleFrom: 'sm',
      },
      actionColumn((item) => <ExplainButton item={item} />),
    ];
  }, [t, format]);
}

function Actual({ item }: { item: Prediction }) {
  const { t } = useTranslation();
  const format = useFormat();
  const actual = item.actual_close;
  if (actual == null) return <span className="muted">{t('history.open')}</span>;
  return (
    <>
      {format.price(actual)}
      {item.lower != null && (
        <Text fz="xs" className="muted">
          {t(isInside(item, actual) ? 'history.inside' : 'history.outside')}
        </Text>
      )}
    </>
  );
}

function ExplainButton({ item }: { item: Prediction }) {
  const { t } = useTranslation();
  const { update } = useStockSearch();
  return (
    <Button
      size="compact-xs"
      variant="light"
      onClick={() => {
        update({ prediction: item.prediction_id });
      }}
      data-testid="explain"
    >
      {t('history.explain')}
    </Button>
  );
}
