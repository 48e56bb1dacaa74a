import { Text } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { chartBase, quietAxis } from '@/shared/charts/chartBase';
import type { ChartColors } from '@/shared/charts/colors';
import { EChart, type ChartOption } from '@/shared/charts/EChart';
import { useFormat } from '@/shared/format/useFormat';
import type { SeriesGroup } from './numbers';

const HEIGHT = 200;

/** One measure over the sessions: a line per group of features, horizon or check. */
export function SeriesChart({ group }: { group: SeriesGroup }) {
  const { t } = useTranslation();
  const format = useFormat();
  const title = `${t(`monitor.${group.monitor}`)} · ${group.measure}`;
  const build = useMemo(
    () =>
      (colors: ChartColors): ChartOption => ({
        ...chartBase(colors),
        xAxis: {
          type: 'time',
          ...quietAxis(colors),
          splitLine: { show: false },
        },
        yAxis: {
          type: 'value',
          scale: true,
          ...quietAxis(colors),
          axisLabel: { color: colors.text, formatter: format.legend },
        },
        series: group.lines.map((line) => ({
          type: 'line',
          name: line.part || t('monitor.whole'),
          showSymbol: line.points.length < 3,
          lineStyle: { width: 1.5 },
          data: line.points.map((point) => [point.session, point.value]),
        })),
      }),
    [group, format, t],
  );
  return (
    <div>
      <Text fz="sm" fw={600} mb={4}>
        {title}
      </Text>
      <EChart build={build} label={title} height={HEIGHT} />
    </div>
  );
}
