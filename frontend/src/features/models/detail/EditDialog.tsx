import { Button, Group, Stack, TagsInput, Textarea, TextInput } from '@mantine/core';
import { useState, type SyntheticEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useChangeModel, type ModelDetail } from '@/api/models';
import { FormProblem } from '@/shared/form/FormProblem';
import { useFieldErrors } from '@/shared/form/useFieldErrors';
import { Dialog } from '@/shared/ui/Dialog';

/** What people call a model and note of it; what makes it what it is cannot be changed. */
export function EditDialog({ model, onClose }: { model: ModelDetail; onClose: () => void }) {
  const { t } = useTranslation();
  const change = useChangeModel(model.model_id);
  const [name, setName] = useState(model.name);
  const [description, setDescription] = useState(model.description);
  const [tags, setTags] = useState(model.tags);
  const errors = useFieldErrors(change.error, ['name', 'description', 'tags'] as const);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    change.mutate({ name, description, tags }, { onSuccess: onClose });
  };
  return (
    <Dialog onClose={onClose} title={t('modelDetail.edit.title')}>
      <form onSubmit={submit} noValidate>
        <Stack>
          <TextInput
            label={t('modelDetail.edit.name')}
            value={name}
            onChange={(event) => {
              setName(event.currentTarget.value);
            }}
            error={errors.fields.name}
            data-autofocus
            data-testid="edit-name"
          />
          <Textarea
            label={t('modelDetail.edit.description')}
            autosize
            minRows={2}
            maxRows={8}
            value={description}
            onChange={(event) => {
              setDescription(event.currentTarget.value);
            }}
            error={errors.fields.description}
          />
          <TagsInput
            label={t('modelDetail.edit.tags')}
            description={t('modelDetail.edit.tagsHint')}
            value={tags}
            onChange={setTags}
            error={errors.fields.tags}
          />
          <FormProblem error={change.error} errors={errors} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('action.cancel')}
            </Button>
            <Button type="submit" loading={change.isPending} data-testid="edit-save">
              {t('modelDetail.edit.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
