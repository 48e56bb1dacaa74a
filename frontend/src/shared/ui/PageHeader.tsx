import { Group, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

interface PageHeaderProps {
  title: ReactNode;
  subtitle?: ReactNode;
  /** what one can do here, at the right */
  actions?: ReactNode;
}

/** What a page is, and what one can do on it. */
export function PageHeader({ title, subtitle, actions }: PageHeaderProps) {
  return (
    <Group justify="space-between" align="flex-start" gap="md">
      <div style={{ flex: '1 1 320px', minWidth: 0 }}>
        <Title order={1} fz="h2">
          {title}
        </Title>
        {subtitle && <Text className="muted">{subtitle}</Text>}
      </div>
      {actions && <Group gap="sm">{actions}</Group>}
    </Group>
  );
}
