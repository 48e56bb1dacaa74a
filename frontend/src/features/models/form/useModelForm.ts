import { useState } from 'react';
import type { ModelTypeOption } from '@/api/modelOptions';
import { useCreateModel } from '@/api/models';
import { useRetrain } from '@/api/training';
import { useFieldMessage } from '@/shared/form/useFieldErrors';
import { fieldErrors, firstSection, type FieldErrors } from './fieldErrors';
import { toRequest, type ModelForm } from './formState';
import { objectionTo, paramFields, valueOf } from './paramFields';

type Made = (modelId: string, taskId: string | undefined) => void;

/** Parameters that cannot be sent as they are. */
function wrongParams(form: ModelForm, option: ModelTypeOption | undefined): string[] {
  return paramFields(option?.params ?? {})
    .filter((field) => objectionTo(field, valueOf(field, form.params)) !== null)
    .map((field) => `params.${field.name}`);
}

function showSection(errors: FieldErrors): void {
  const section = firstSection(errors);
  if (section) document.getElementById(`section-${section}`)?.scrollIntoView({ behavior: 'smooth' });
}

/** The form's state, and what happens to it: defined, and trained at once if that is asked for. */
export function useModelForm(initial: ModelForm, made: Made) {
  const [form, setForm] = useState(initial);
  const [pending, setPending] = useState<'define' | 'train' | null>(null);
  const create = useCreateModel();
  const train = useRetrain();
  const errors = fieldErrors(create.error, useFieldMessage());

  const submit = async (andTrain: boolean, option: ModelTypeOption | undefined) => {
    const wrong = wrongParams(form, option);
    if (wrong.length > 0) {
      showSection(Object.fromEntries(wrong.map((name) => [name, ''])));
      return;
    }
    setPending(andTrain ? 'train' : 'define');
    try {
      const { model_id } = await create.mutateAsync(toRequest(form));
      const task = andTrain ? await train.mutateAsync(model_id) : undefined;
      made(model_id, task?.task_id);
    } catch (error) {
      showSection(fieldErrors(error));
    } finally {
      setPending(null);
    }
  };

  return {
    form,
    change: (part: Partial<ModelForm>) => {
      // What was refused may be right by now.
      if (create.isError) create.reset();
      setForm((before) => ({ ...before, ...part }));
    },
    errors,
    pending,
    submit,
    /** a failure that is no field's */
    error: firstSection(errors) === null ? (create.error ?? train.error) : train.error,
  };
}
