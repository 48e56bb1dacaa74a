import { Text } from '@mantine/core';
import type { ComponentProps } from 'react';
import { EChart } from '@/shared/charts/EChart';
import { Panel } from '@/shared/ui/Panel';

interface ChartPanelProps {
  title: string;
  description: string;
  /** null: there is nothing to draw, which `missing` explains */
  build: ComponentProps<typeof EChart>['build'] | null;
  label: string;
  missing: string;
  height?: number;
  testId: string;
}

/** A chart with what it means; or why there is none. */
export function ChartPanel({
  title,
  description,
  build,
  label,
  missing,
  height = 260,
  testId,
}: ChartPanelProps) {
  return (
    <Panel title={title} description={description} data-testid={testId}>
      {build ? (
        <EChart build={build} label={label} height={height} />
      ) : (
        <Text fz="sm" className="muted">
          {missing}
        </Text>
      )}
    </Panel>
  );
}
