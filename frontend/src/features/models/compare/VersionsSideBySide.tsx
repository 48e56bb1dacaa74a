import { Badge, Table } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { ModelVersion } from '@/api/models';
import { horizonScores, type HorizonScore } from '@/features/forecast/evaluation';
import type { Format } from '@/shared/format/format';
import { useFormat } from '@/shared/format/useFormat';
import { ScrollTable } from '@/shared/ui/ScrollTable';

interface Line {
  label: string;
  a: string;
  b: string;
}

function percent(format: Format, value: number | null | undefined, digits: number): string {
  return value == null ? '–' : format.percent(value, digits);
}

/** What each version is made of and what its own validation found; rows that differ stand out. */
export function VersionsSideBySide({ a, b }: { a: ModelVersion; b: ModelVersion }) {
  const { t } = useTranslation();
  const lines = useLines(a, b);
  return (
    <ScrollTable
      label={t('compare.evidence.title')}
      fz="sm"
      verticalSpacing={6}
      data-testid="compare-versions"
    >
      <Table.Thead>
        <Table.Tr>
          <Table.Th />
          {[a, b].map((item) => (
            <Table.Th key={item.version} ta="right">
              {t('model.version', { version: item.version })}{' '}
              {item.alias && (
                <Badge size="xs" color={item.alias === 'champion' ? 'teal' : 'yellow'}>
                  {t(`gate.alias.${item.alias}`)}
                </Badge>
              )}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {lines.map((line) => (
          <Table.Tr key={line.label} fw={line.a === line.b ? undefined : 600}>
            <Table.Th scope="row" fw={400} className="muted">
              {line.label}
            </Table.Th>
            <Table.Td ta="right">{line.a}</Table.Td>
            <Table.Td ta="right">{line.b}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </ScrollTable>
  );
}

function useLines(a: ModelVersion, b: ModelVersion): Line[] {
  const { t } = useTranslation();
  const format = useFormat();
  const both = (label: string, write: (version: ModelVersion) => string): Line => ({
    label,
    a: write(a),
    b: write(b),
  });
  const scores = { a: horizonScores(a.metrics), b: horizonScores(b.metrics) };
  const horizons = [...new Set([...scores.a, ...scores.b].map((score) => score.horizon))].sort(
    (x, y) => x - y,
  );
  const at = (horizon: number, label: string, write: (score: HorizonScore | undefined) => string): Line => ({
    label: t('compare.at', { label, count: horizon }),
    a: write(scores.a.find((score) => score.horizon === horizon)),
    b: write(scores.b.find((score) => score.horizon === horizon)),
  });
  return [
    both(t('models.column.until'), (version) => format.session(version.trained_until)),
    both(t('modelDetail.column.created'), (version) => format.instant(version.created_at)),
    both(t('modelDetail.column.data'), (version) => version.data_version.slice(0, 10)),
    both(t('modelDetail.column.features'), (version) => version.feature_version),
    both(t('models.column.horizon'), (version) => format.integer(version.horizon)),
    ...horizons.map((horizon) => at(horizon, t('scores.skill'), (score) => percent(format, score?.skill, 2))),
    ...horizons.map((horizon) =>
      at(horizon, t('scores.direction'), (score) => percent(format, score?.directionAccuracy, 1)),
    ),
    ...horizons.map((horizon) =>
      at(horizon, t('scores.coverage'), (score) => percent(format, score?.coverage, 1)),
    ),
  ];
}
