import { Button, Checkbox, Popover, Stack, Text } from '@mantine/core';
import { IconChartLine } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { INDICATOR_NAMES, type IndicatorName } from './indicators';

interface IndicatorMenuProps {
  shown: readonly IndicatorName[];
  onChange: (names: readonly IndicatorName[]) => void;
}

/** Switches indicators on and off. */
export function IndicatorMenu({ shown, onChange }: IndicatorMenuProps) {
  const { t } = useTranslation();
  return (
    <Popover position="bottom-end" trapFocus shadow="md">
      <Popover.Target>
        <Button
          size="compact-sm"
          variant={shown.length > 0 ? 'light' : 'default'}
          leftSection={<IconChartLine size={14} />}
          data-testid="indicators"
        >
          {shown.length === 0 ? t('indicator.button') : t('indicator.some', { count: shown.length })}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="sm">
          {INDICATOR_NAMES.map((name) => (
            <Checkbox
              key={name}
              label={t(`indicator.${name}`)}
              checked={shown.includes(name)}
              onChange={(event) => {
                const others = shown.filter((item) => item !== name);
                onChange(event.currentTarget.checked ? [...others, name] : others);
              }}
              data-testid={`indicator-${name}`}
            />
          ))}
          <Text fz="xs" className="muted">
            {t('indicator.source')}
          </Text>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
