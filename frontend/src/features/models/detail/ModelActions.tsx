import { Button, Menu } from '@mantine/core';
import { IconArrowBackUp, IconCopy, IconDots, IconPencil, IconSchool, IconTrash } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import type { ModelDetail, ModelVersion } from '@/api/models';
import { useRetrain } from '@/api/training';
import { ProblemAlert } from '@/shared/ui/States';
import { DeleteDialog } from './DeleteDialog';
import { EditDialog } from './EditDialog';
import { RollbackDialog } from './RollbackDialog';
import { useModelPage } from './useModelPage';

interface ModelActionsProps {
  model: ModelDetail;
  version: ModelVersion | undefined;
}

/** What an operator can do with a model as a whole; to others the buttons say why they cannot be pressed. */
export function ModelActions({ model, version }: ModelActionsProps) {
  const { t } = useTranslation();
  const { update } = useModelPage();
  const allowed = useMay('write');
  const retrain = useRetrain();
  const [dialog, setDialog] = useState<'edit' | 'rollback' | 'delete' | null>(null);
  const close = () => {
    setDialog(null);
  };
  const start = () => {
    retrain.mutate(model.model_id, {
      onSuccess: ({ task_id }) => {
        update({ train: task_id });
      },
    });
  };
  const title = allowed ? undefined : t('access.operatorsOnly');
  return (
    <>
      <Button
        leftSection={<IconSchool size={16} />}
        disabled={!allowed}
        title={title}
        loading={retrain.isPending}
        onClick={start}
        data-testid="retrain"
      >
        {t(version ? 'modelDetail.action.again' : 'modelDetail.action.train')}
      </Button>
      <Menu position="bottom-end" width={230}>
        <Menu.Target>
          <Button
            variant="default"
            rightSection={<IconDots size={16} />}
            disabled={!allowed}
            title={title}
            data-testid="model-menu"
          >
            {t('modelDetail.action.more')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<IconPencil size={16} />}
            onClick={() => {
              setDialog('edit');
            }}
          >
            {t('modelDetail.action.edit')}
          </Menu.Item>
          <Menu.Item
            leftSection={<IconCopy size={16} />}
            renderRoot={(props) => <Link to="/models/new" search={{ from: model.model_id }} {...props} />}
          >
            {t('modelDetail.action.similar')}
          </Menu.Item>
          <Menu.Item
            leftSection={<IconArrowBackUp size={16} />}
            onClick={() => {
              setDialog('rollback');
            }}
          >
            {t('modelDetail.action.rollback')}
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item
            color="red"
            leftSection={<IconTrash size={16} />}
            onClick={() => {
              setDialog('delete');
            }}
          >
            {t('modelDetail.action.delete')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {retrain.isError && <ProblemAlert error={retrain.error} onRetry={start} />}
      {dialog === 'edit' && <EditDialog model={model} onClose={close} />}
      {dialog === 'rollback' && <RollbackDialog model={model} onClose={close} />}
      {dialog === 'delete' && <DeleteDialog model={model} onClose={close} />}
    </>
  );
}
