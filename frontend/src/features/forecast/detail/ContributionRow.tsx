import { Group, Text } from '@mantine/core';
import type { Contribution } from '@/api/predictionDetail';
import { useFormat } from '@/shared/format/useFormat';
import classes from './ContributionRow.module.css';

interface ContributionRowProps {
  item: Contribution;
  /** the largest contribution of all, by size */
  largest: number;
  format: (contribution: number) => string;
}

/** A feature, its value, and a bar from the middle: to the right where it raised the forecast. */
export function ContributionRow({ item, largest, format }: ContributionRowProps) {
  const { number } = useFormat();
  const { name, value, contribution } = item;
  const tone = contribution < 0 ? 'down' : 'up';
  return (
    <li className={classes.row}>
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <Text fz="sm" truncate>
          {name} <span className="muted">= {number(value, 4)}</span>
        </Text>
        <Text fz="sm" fw={600} className={`${tone} nowrap`}>
          {format(contribution)}
        </Text>
      </Group>
      <div className={classes.track} aria-hidden>
        <span
          className={classes.bar}
          data-tone={tone}
          style={{ width: `${((Math.abs(contribution) / largest) * 50).toFixed(2)}%` }}
        />
      </div>
    </li>
  );
}
