import { Card, Group, Stack, Text, Title, type CardProps } from '@mantine/core';
import type { ReactNode } from 'react';

interface PanelProps extends Omit<CardProps, 'title'> {
  title: ReactNode;
  description?: ReactNode;
  /** what stands at the right of the title */
  aside?: ReactNode;
  children: ReactNode;
}

/** A card with a title: the block that every page is made of. */
export function Panel({ title, description, aside, children, ...card }: PanelProps) {
  return (
    <Card component="section" {...card}>
      <Stack gap="md">
        <Group justify="space-between" align="flex-start" wrap="nowrap" gap="sm">
          <div>
            <Title order={2} fz="md">
              {title}
            </Title>
            {description && (
              <Text fz="sm" className="muted" mt={2}>
                {description}
              </Text>
            )}
          </div>
          {aside}
        </Group>
        {children}
      </Stack>
    </Card>
  );
}
