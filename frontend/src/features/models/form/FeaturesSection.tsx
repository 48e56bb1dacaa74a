import { SegmentedControl, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { FeatureCatalogue } from '@/api/modelOptions';
import { FeatureGroup } from './FeatureGroup';
import { byGroup, matching } from './featureChoice';
import { FormSection } from './FormSection';
import type { SectionProps } from './types';

interface FeaturesSectionProps extends SectionProps {
  catalogue: FeatureCatalogue;
}

/** What the model sees: the recommended features, or one's own choice of them, group by group. */
export function FeaturesSection({ catalogue, form, change, errors }: FeaturesSectionProps) {
  const { t } = useTranslation();
  const recommended = useMemo(
    () => catalogue.features.filter((feature) => feature.default).map((feature) => feature.name),
    [catalogue],
  );
  return (
    <FormSection
      section="features"
      number={3}
      title={t('modelForm.features.title')}
      description={t('modelForm.features.detail')}
    >
      <Group gap="md">
        <SegmentedControl
          aria-label={t('modelForm.features.title')}
          value={form.ownFeatures ? 'own' : 'recommended'}
          onChange={(value) => {
            const own = value === 'own';
            const start = form.features.length > 0 ? form.features : recommended;
            change({ ownFeatures: own, features: own ? start : form.features });
          }}
          data={[
            { value: 'recommended', label: t('modelForm.features.recommended') },
            { value: 'own', label: t('modelForm.features.own') },
          ]}
        />
        <Text fz="sm" className="muted" data-testid="feature-count">
          {t('modelForm.features.count', {
            count: form.ownFeatures ? form.features.length : recommended.length,
          })}
        </Text>
      </Group>
      {errors.features && (
        <Text fz="sm" c="red" role="alert">
          {errors.features}
        </Text>
      )}
      {form.ownFeatures && (
        <FeatureChooser
          catalogue={catalogue}
          chosen={form.features}
          onChange={(features) => {
            change({ features });
          }}
        />
      )}
    </FormSection>
  );
}

interface FeatureChooserProps {
  catalogue: FeatureCatalogue;
  chosen: readonly string[];
  onChange: (features: string[]) => void;
}

function FeatureChooser({ catalogue, chosen, onChange }: FeatureChooserProps) {
  const { t } = useTranslation();
  const [words, setWords] = useState('');
  const groups = useMemo(() => byGroup(catalogue, words), [catalogue, words]);
  const held = useMemo(() => new Set(chosen), [chosen]);
  const toggle = (names: readonly string[], on: boolean) => {
    const rest = chosen.filter((name) => !names.includes(name));
    onChange(on ? [...rest, ...names] : rest);
  };
  return (
    <Stack gap="xs">
      <TextInput
        aria-label={t('modelForm.features.search')}
        placeholder={t('modelForm.features.search')}
        leftSection={<IconSearch size={16} aria-hidden />}
        value={words}
        onChange={(event) => {
          setWords(event.currentTarget.value);
        }}
        data-testid="feature-search"
      />
      {groups.map((group) => (
        <FeatureGroup key={group.name} group={group} chosen={held} open={matching(words)} onToggle={toggle} />
      ))}
      {groups.length === 0 && (
        <Text fz="sm" className="muted">
          {t('modelForm.features.nothing')}
        </Text>
      )}
    </Stack>
  );
}
