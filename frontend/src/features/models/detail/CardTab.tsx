import { Button, Card, Group, Skeleton } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { cardQuery } from '@/api/modelVersions';
import { saveFile } from '@/shared/download';
import { ProblemAlert } from '@/shared/ui/States';

const MarkdownText = lazy(() => import('@/shared/ui/MarkdownText'));

/** The model card: what the version is, what it was made of, how good it is, what it must not be used for. */
export function CardTab({ modelId, version }: { modelId: string; version: number }) {
  const { t } = useTranslation();
  const card = useQuery(cardQuery(modelId, version));
  return (
    <Card component="section" data-testid="model-card">
      {card.isPending && <Skeleton height={420} />}
      {card.isError && <ProblemAlert error={card.error} onRetry={card.refetch} />}
      {card.data && (
        <>
          <Group justify="flex-end">
            <Button
              size="compact-sm"
              variant="subtle"
              color="gray"
              leftSection={<IconDownload size={14} />}
              onClick={() => {
                saveFile(`model-card-v${version}.md`, new Blob([card.data], { type: 'text/markdown' }));
              }}
            >
              Markdown
            </Button>
          </Group>
          <Suspense fallback={<Skeleton height={420} />}>
            <MarkdownText text={card.data} label={t('modelDetail.tab.card')} />
          </Suspense>
        </>
      )}
    </Card>
  );
}
