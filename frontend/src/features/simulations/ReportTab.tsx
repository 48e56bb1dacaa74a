import { Button, Card } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { simulationReport, type Simulation } from '@/api/simulations';
import { saveFile } from '@/shared/download';
import { FramedReport } from '@/shared/ui/FramedReport';
import { ProblemAlert } from '@/shared/ui/States';
import { useSimulationText } from './useSimulationText';

const FILES = { html: 'html', markdown: 'md' } as const;

/** The report, to read here or to keep. */
export function ReportTab({ simulation, pageUrl }: { simulation: Simulation; pageUrl: string }) {
  const { t } = useTranslation();
  const text = useSimulationText();
  return (
    <Card component="section">
      <FramedReport
        pageUrl={pageUrl}
        title={t('simulation.reportOf', { name: text.title(simulation) })}
        actions={
          <>
            <SaveButton id={simulation.simulation_id} format="html" />
            <SaveButton id={simulation.simulation_id} format="markdown" />
          </>
        }
      />
    </Card>
  );
}

function SaveButton({ id, format }: { id: string; format: keyof typeof FILES }) {
  const { t } = useTranslation();
  const save = useMutation({ mutationFn: () => simulationReport(id, format) });
  return (
    <>
      <Button
        size="compact-sm"
        variant="subtle"
        leftSection={<IconDownload size={14} />}
        loading={save.isPending}
        aria-label={t('simulation.save', { format: format === 'html' ? 'HTML' : 'Markdown' })}
        onClick={() => {
          save.mutate(undefined, {
            onSuccess: (content) => {
              saveFile(`simulation-${id.slice(0, 8)}.${FILES[format]}`, content);
            },
          });
        }}
      >
        {format === 'html' ? 'HTML' : 'Markdown'}
      </Button>
      {save.isError && <ProblemAlert error={save.error} />}
    </>
  );
}
