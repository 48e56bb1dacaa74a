import { Badge, Tooltip } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Prediction } from '@/api/predictions';

/** Which model made a prediction, or that none was trained and the random walk answered. */
export function ModelBadge({ prediction, short = false }: { prediction: Prediction; short?: boolean }) {
  const { t } = useTranslation();
  if (prediction.fallback) {
    return (
      <Tooltip
        label={t('model.fallbackHint')}
        multiline
        maw={280}
        events={{ hover: true, focus: true, touch: true }}
      >
        <Badge color="gray" data-testid="model-badge">
          {t(short ? 'model.randomWalk' : 'model.fallback')}
        </Badge>
      </Tooltip>
    );
  }
  const version = prediction.model_version;
  return (
    <Tooltip
      label={`${prediction.model_name}${version ? ` · ${t('model.version', { version })}` : ''}`}
      events={{ hover: true, focus: true, touch: true }}
    >
      <Badge color="indigo" data-testid="model-badge">
        {t(`model.type.${prediction.model_type}` as 'model.type.ridge', {
          defaultValue: prediction.model_type,
        })}
        {version && ` · v${version}`}
      </Badge>
    </Tooltip>
  );
}
