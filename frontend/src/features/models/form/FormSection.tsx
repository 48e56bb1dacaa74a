import { Card, Group, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { useId, type ReactNode } from 'react';
import type { Section } from './fieldErrors';

interface FormSectionProps {
  section: Section;
  number: number;
  title: string;
  description: string;
  children: ReactNode;
}

/** One step of the form; its id is where a message about one of its fields leads to. */
export function FormSection({ section, number, title, description, children }: FormSectionProps) {
  const heading = useId();
  return (
    <Card component="section" id={`section-${section}`} aria-labelledby={heading} tabIndex={-1}>
      <Stack gap="md">
        <Group gap="sm" wrap="nowrap" align="flex-start">
          <ThemeIcon radius="xl" size={28} variant="light" aria-hidden>
            <Text fz="sm" fw={650}>
              {number}
            </Text>
          </ThemeIcon>
          <div>
            <Title order={2} fz="md" id={heading}>
              {title}
            </Title>
            <Text fz="sm" className="muted">
              {description}
            </Text>
          </div>
        </Group>
        {children}
      </Stack>
    </Card>
  );
}
