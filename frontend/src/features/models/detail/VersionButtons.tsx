import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import type { ModelVersion } from '@/api/models';

/** To the comparison with the version that it was judged against, which another definition may have made. */
export function RivalLink({ modelId, version }: { modelId: string; version: ModelVersion }) {
  const { t } = useTranslation();
  const rival = version.verdict?.champion ?? null;
  if (rival === null || rival === version.version) return null;
  return (
    <Button
      size="compact-xs"
      variant="default"
      renderRoot={(props) => (
        <Link
          to="/models/$modelId/compare"
          params={{ modelId }}
          search={{ a: version.version, b: rival }}
          {...props}
        />
      )}
      data-testid={`rival-${version.version}`}
    >
      {t('modelDetail.compare.rival', { version: rival })}
    </Button>
  );
}

/** Asks the gate to let a version serve; nothing for the one that does. */
export function PromoteButton({
  version,
  onPress,
}: {
  version: ModelVersion;
  onPress: (version: number) => void;
}) {
  const { t } = useTranslation();
  const allowed = useMay('write');
  if (version.alias === 'champion') return null;
  return (
    <Button
      size="compact-xs"
      variant="default"
      disabled={!allowed}
      title={allowed ? undefined : t('access.operatorsOnly')}
      onClick={() => {
        onPress(version.version);
      }}
      data-testid={`promote-${version.version}`}
    >
      {t('modelDetail.action.promote')}
    </Button>
  );
}
