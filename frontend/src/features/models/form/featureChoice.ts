import type { Feature, FeatureCatalogue } from '@/api/modelOptions';

export interface GroupOfFeatures {
  name: string;
  description: string;
  features: readonly Feature[];
}

/** Whether somebody looks for something. */
export function matching(words: string): boolean {
  return words.trim() !== '';
}

/** The groups that features belong to, with those features that match all words; empty groups are left out. */
export function byGroup(catalogue: FeatureCatalogue, words: string): GroupOfFeatures[] {
  const wanted = words.toLowerCase().trim().split(/\s+/);
  const matches = (feature: Feature) => {
    const text = `${feature.name} ${feature.description}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  };
  const descriptions = new Map(catalogue.groups.map((group) => [group.name, group.description]));
  const names = [...new Set(catalogue.features.map((feature) => feature.group))];
  return names
    .map((name) => ({
      name,
      description: descriptions.get(name) ?? '',
      features: catalogue.features.filter((feature) => feature.group === name && matches(feature)),
    }))
    .filter((group) => group.features.length > 0);
}
