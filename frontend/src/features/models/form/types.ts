import type { FieldErrors } from './fieldErrors';
import type { ModelForm } from './formState';

/** What each section of the form gets. */
export interface SectionProps {
  form: ModelForm;
  change: (part: Partial<ModelForm>) => void;
  errors: FieldErrors;
}
