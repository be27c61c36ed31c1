#include "cli/memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"

/* Relocations in what may not be written to, which elsewhere it never has. */
static bool has_relocated_text(const struct dl_phdr_info *object)
{
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		const ElfW(Dyn) *entry = (const void *)(object->dlpi_addr + segment->p_vaddr);

		for (; segment->p_type == PT_DYNAMIC && entry->d_tag != DT_NULL; entry++) {
			if (entry->d_tag == DT_TEXTREL ||
			    (entry->d_tag == DT_FLAGS && entry->d_un.d_val & DF_TEXTREL))
				return true;
		}
	}
	return false;
}

/* Whole pages only. Where it is refused it stays. */
static void give_back_segment(uintptr_t begin, uintptr_t end, uintptr_t page)
{
	begin = (begin + page - 1) & ~(page - 1);
	end &= ~(page - 1);
	if (begin < end)
		(void)madvise((void *)begin, end - begin, MADV_DONTNEED);
}

/* A segment that may be written to has relocations and values in it, which are nowhere else. */
static int give_back_object(struct dl_phdr_info *object, size_t size, void *context)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)context;
	if (has_relocated_text(object))
		return 0;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		uintptr_t begin = object->dlpi_addr + segment->p_vaddr;

		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
			give_back_segment(begin, begin + segment->p_filesz, page);
	}
	return 0;
}

void wr_memory_give_back(void)
{
	(void)malloc_trim(0);
	(void)dl_iterate_phdr(give_back_object, NULL);
}
