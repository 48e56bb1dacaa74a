import { Badge } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Prediction } from '@/api/predictions';
import { Hint } from '@/shared/ui/Hint';

/** Which model made a prediction, or that none was trained and the random walk answered. */
export function ModelBadge({ prediction, short = false }: { prediction: Prediction; short?: boolean }) {
  const { t } = useTranslation();
  if (prediction.fallback) {
    return (
      <Hint label={t('model.fallbackHint')}>
        <Badge color="gray" data-testid="model-badge">
          {t(short ? 'model.randomWalk' : 'model.fallback')}
        </Badge>
      </Hint>
    );
  }
  const version = prediction.model_version;
  return (
    <Hint label={`${prediction.model_name}${version ? ` · ${t('model.version', { version })}` : ''}`}>
      <Badge color="indigo" data-testid="model-badge">
        {t(`model.type.${prediction.model_type}` as 'model.type.ridge', {
          defaultValue: prediction.model_type,
        })}
        {version && ` · v${version}`}
      </Badge>
    </Hint>
  );
}
