import type { TFunction } from 'i18next';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { PredictionEvent } from '@/api/events';
import type { Format } from '@/shared/format/format';
import { useFormat } from '@/shared/format/useFormat';
import type { Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { Change } from '@/shared/ui/Change';

/** The days of a path, nearest first. */
export function PathTable({ path }: { path: readonly PredictionEvent[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const columns = useMemo(() => columnsOf(t, format), [t, format]);
  return (
    <DataTable
      label={t('future.title')}
      columns={columns}
      rows={path}
      rowKey={(day) => day.prediction_id}
      csv={`path-${path[0]?.ticker ?? ''}`}
      maxHeight={360}
      rowProps={() => ({ className: 'arrived' })}
      testId="path-table"
    />
  );
}

function columnsOf(t: TFunction, format: Format): Column<PredictionEvent>[] {
  const price = (value: number | null | undefined) => (value == null ? '–' : format.price(value));
  return [
    { id: 'horizon', header: t('models.column.horizon'), value: (day) => day.horizon },
    {
      id: 'session',
      header: t('history.target'),
      value: (day) => day.target_session,
      cell: (day) => <span className="nowrap">{format.sessionShort(day.target_session)}</span>,
    },
    {
      id: 'close',
      header: t('history.predicted'),
      value: (day) => day.predicted_close,
      cell: (day) => <strong>{format.price(day.predicted_close)}</strong>,
      align: 'right',
    },
    {
      id: 'change',
      header: t('forecasts.change'),
      value: (day) => day.predicted_close / day.last_close - 1,
      cell: (day) => <Change share={day.predicted_close / day.last_close - 1} />,
      align: 'right',
      visibleFrom: 'sm',
    },
    {
      id: 'lower',
      header: t('forecasts.lower'),
      value: (day) => day.lower,
      cell: (day) => price(day.lower),
      align: 'right',
    },
    {
      id: 'upper',
      header: t('forecasts.upper'),
      value: (day) => day.upper,
      cell: (day) => price(day.upper),
      align: 'right',
    },
    {
      id: 'up',
      header: t('forecast.probabilityUp'),
      value: (day) => day.probability_up,
      cell: (day) => (day.probability_up == null ? '–' : format.percent(day.probability_up)),
      align: 'right',
      visibleFrom: 'md',
    },
  ];
}
