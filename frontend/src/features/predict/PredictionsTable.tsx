import { Anchor, Badge } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Prediction } from '@/api/predictions';
import { ModelBadge } from '@/features/forecast/ModelBadge';
import { isInside } from '@/features/forecast/outcome';
import type { Format } from '@/shared/format/format';
import { useFormat } from '@/shared/format/useFormat';
import { instrumentKey } from '@/shared/instrument';
import { sortFromText, sortToText, type Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { usePredictSearch } from './usePredictSearch';

/** Predictions against what happened, each with a way to its explanation. */
export function PredictionsTable({ predictions }: { predictions: readonly Prediction[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { search, update } = usePredictSearch();
  const columns = useMemo(() => columnsOf(t, format), [t, format]);
  return (
    <DataTable
      label={t('history.title')}
      columns={columns}
      rows={predictions}
      rowKey={(prediction) => prediction.prediction_id}
      csv="predictions"
      sort={sortFromText(search.sort)}
      onSort={(sort) => {
        update({ sort: sortToText(sort) });
      }}
      testId="predictions-table"
    />
  );
}

function columnsOf(t: TFunction, format: Format): Column<Prediction>[] {
  return [
    {
      id: 'made',
      header: t('forecasts.madeAt'),
      value: (prediction) => prediction.made_at,
      cell: (prediction) => (
        <Anchor
          fz="sm"
          className="nowrap"
          renderRoot={(props) => (
            <Link
              to="/predict/$predictionId"
              params={{ predictionId: prediction.prediction_id }}
              {...props}
            />
          )}
        >
          {format.instant(prediction.made_at)}
        </Anchor>
      ),
    },
    { id: 'stock', header: t('dataset.ticker'), value: instrumentKey },
    {
      id: 'session',
      header: t('history.target'),
      value: (prediction) => prediction.target_session,
      cell: (prediction) => format.session(prediction.target_session),
    },
    {
      id: 'ahead',
      header: t('models.column.horizon'),
      value: (prediction) => prediction.horizon,
      align: 'right',
      visibleFrom: 'md',
    },
    {
      id: 'predicted',
      header: t('history.predicted'),
      value: (prediction) => prediction.predicted_close,
      cell: (prediction) => <strong>{format.price(prediction.predicted_close)}</strong>,
      align: 'right',
    },
    {
      id: 'actual',
      header: t('history.actual'),
      value: (prediction) => prediction.actual_close,
      cell: (prediction) => <Actual prediction={prediction} />,
      align: 'right',
    },
    {
      id: 'error',
      header: t('history.error'),
      value: (prediction) => prediction.error_pct,
      cell: (prediction) => (prediction.error_pct == null ? '–' : format.change(prediction.error_pct)),
      align: 'right',
      visibleFrom: 'sm',
    },
    {
      id: 'model',
      header: t('history.model'),
      value: (prediction) => `${prediction.model_name} ${prediction.model_version ?? ''}`,
      cell: (prediction) => <ModelBadge prediction={prediction} short />,
      visibleFrom: 'md',
    },
  ];
}

function Actual({ prediction }: { prediction: Prediction }) {
  const { t } = useTranslation();
  const format = useFormat();
  const actual = prediction.actual_close;
  if (actual == null) {
    return <span className="muted">{t('history.open')}</span>;
  }
  const inside = isInside(prediction, actual);
  return (
    <span className="nowrap">
      {prediction.level != null && (
        <Badge size="xs" color={inside ? 'teal' : 'yellow'} mr={6}>
          {t(inside ? 'history.inside' : 'history.outside')}
        </Badge>
      )}
      {format.price(actual)}
    </span>
  );
}
