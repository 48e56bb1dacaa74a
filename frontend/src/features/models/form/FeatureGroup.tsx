import { Badge, Checkbox, Group, SimpleGrid, Text, UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useApiText, withoutNumbers, type Say } from '@/i18n/useApiText';
import type { GroupOfFeatures } from './featureChoice';
import classes from './FeatureGroup.module.css';

interface FeatureGroupProps {
  group: GroupOfFeatures;
  chosen: ReadonlySet<string>;
  /** shown unfolded whatever was clicked: something is looked for */
  open: boolean;
  onToggle: (names: readonly string[], on: boolean) => void;
}

function describe({ name, description }: GroupOfFeatures['features'][number], say: Say): string {
  const { code, values } = withoutNumbers(name);
  return say(`feature.${code}`, description, values);
}

/** A group of features: all of it at once, or unfolded one by one. */
export function FeatureGroup({ group, chosen, open, onToggle }: FeatureGroupProps) {
  const { t } = useTranslation();
  const say = useApiText();
  const body = useId();
  const [clicked, setClicked] = useState(false);
  const names = group.features.map((feature) => feature.name);
  const count = names.filter((name) => chosen.has(name)).length;
  const unfolded = open || clicked;
  const title = t(`modelForm.features.group.${group.name}` as 'modelForm.features.group.trend', group.name);
  return (
    <div className={classes.group}>
      <Group wrap="nowrap" gap="sm">
        <Checkbox
          aria-label={t('modelForm.features.all', { group: title })}
          checked={count === names.length}
          indeterminate={count > 0 && count < names.length}
          onChange={(event) => {
            onToggle(names, event.currentTarget.checked);
          }}
          data-testid={`group-${group.name}`}
        />
        <UnstyledButton
          className={classes.head}
          aria-expanded={unfolded}
          aria-controls={body}
          onClick={() => {
            setClicked(!clicked);
          }}
        >
          <div className={classes.words}>
            <Text fz="sm" fw={600} component="span">
              {title}
            </Text>
            <Text fz="xs" className="muted" component="span" lineClamp={2}>
              {t(
                `modelForm.features.about.${group.name}` as 'modelForm.features.about.trend',
                group.description,
              )}
            </Text>
          </div>
          <Badge color={count > 0 ? 'indigo' : 'gray'}>
            {count} / {names.length}
          </Badge>
          <IconChevronRight size={16} className={classes.chevron} data-open={unfolded} aria-hidden />
        </UnstyledButton>
      </Group>
      {unfolded && (
        <SimpleGrid id={body} cols={{ base: 1, sm: 2, lg: 3 }} spacing="xs" className={classes.body}>
          {group.features.map((feature) => (
            <Checkbox
              key={feature.name}
              size="xs"
              label={feature.name}
              description={describe(feature, say)}
              checked={chosen.has(feature.name)}
              onChange={(event) => {
                onToggle([feature.name], event.currentTarget.checked);
              }}
            />
          ))}
        </SimpleGrid>
      )}
    </div>
  );
}
