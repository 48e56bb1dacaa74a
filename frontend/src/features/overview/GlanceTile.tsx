import { Card, Group, Skeleton, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './Glance.module.css';

interface GlanceTileProps {
  label: string;
  icon: ReactNode;
  /** undefined until it is known */
  value: string | undefined;
  detail: string;
  /** `bad` and `warn` are told by the detail's words as well */
  tone: 'good' | 'warn' | 'bad' | 'plain';
  testId: string;
}

/** One figure of the platform's state, with what stands behind it. */
export function GlanceTile({ label, icon, value, detail, tone, testId }: GlanceTileProps) {
  return (
    <Card padding="md" h="100%" data-testid={testId} data-tone={tone}>
      <Group gap="sm" wrap="nowrap" align="center">
        <span className={classes.icon} data-tone={tone} aria-hidden>
          {icon}
        </span>
        <div className={classes.words}>
          <Text fz="xs" className="muted">
            {label}
          </Text>
          {value === undefined ? (
            <Skeleton height={41} />
          ) : (
            <>
              <Text fw={650} fz="lg" lh={1.25} truncate>
                {value}
              </Text>
              <Text fz="xs" className="muted" truncate title={detail}>
                {detail}
              </Text>
            </>
          )}
        </div>
      </Group>
    </Card>
  );
}
