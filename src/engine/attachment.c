/* The part of engine.h that says what a device's packets are for. */
#include "engine/attachment.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/control.h"

static void free_attachment(struct wr_retired *retired)
{
	free(WR_CONTAINER_OF(retired, struct wr_attachment, retired));
}

static void free_binding(struct wr_retired *retired)
{
	free(WR_CONTAINER_OF(retired, struct wr_binding, retired));
}

/* The device's, made if it has none; NULL where memory is short. */
static struct wr_attachment *attachment_of(struct wr_device *device)
{
	struct wr_attachment *attachment = device->owner;

	if (attachment)
		return attachment;
	attachment = aligned_alloc(WR_CACHE_LINE, sizeof(*attachment));
	if (!attachment)
		return NULL;
	*attachment = (struct wr_attachment){ .device = device, .mtu = UINT16_MAX };
	device->owner = attachment;
	return attachment;
}

static void wake_workers(const struct wr_engine *engine)
{
	for (unsigned i = 0; engine->has_started && i < engine->shared.worker_count; i++)
		wr_worker_wake(&engine->workers[i]);
}

/* --- TUNs. --- */

static struct wr_binding *slot_get(const struct wr_bindings *bindings, uint32_t slot)
{
	return atomic_load_explicit(&bindings->slots[slot], memory_order_relaxed);
}

static void slot_set(struct wr_bindings *bindings, uint32_t slot, struct wr_binding *binding)
{
	atomic_store_explicit(&bindings->slots[slot], binding, memory_order_release);
	if (slot >= atomic_load_explicit(&bindings->high, memory_order_relaxed))
		atomic_store_explicit(&bindings->high, slot + 1, memory_order_release);
	atomic_fetch_add_explicit(&bindings->generation, 1, memory_order_release);
}

static int find_slot(const struct wr_bindings *bindings, uint32_t *ret_slot)
{
	for (uint32_t i = 0; i < WR_ENGINE_MAX_TUNS; i++) {
		if (!slot_get(bindings, i)) {
			*ret_slot = i;
			return 0;
		}
	}
	return -ENOSPC;
}

static int bind_tun(struct wr_engine *engine, struct wr_attachment *attachment, struct wr_tun *tun)
{
	struct wr_bindings *bindings = &engine->shared.bindings;
	struct wr_binding *binding = malloc(sizeof(*binding));
	uint32_t slot;

	if (!binding)
		return -ENOMEM;
	if (find_slot(bindings, &slot) < 0) {
		free(binding);
		return -ENOSPC;
	}
	*binding = (struct wr_binding){ attachment, tun, slot, ++bindings->serial, { 0 } };
	atomic_store_explicit(&attachment->binding, binding, memory_order_release);
	slot_set(bindings, slot, binding);
	wake_workers(engine);
	return 0;
}

int wr_engine_attach(struct wr_engine *engine, struct wr_device *device, struct wr_tun *tun)
{
	struct wr_attachment *attachment = attachment_of(device);

	if (!attachment)
		return -ENOMEM;
	assert(!wr_binding_of(attachment));
	return bind_tun(engine, attachment, tun);
}

void wr_engine_detach(struct wr_engine *engine, struct wr_device *device)
{
	struct wr_attachment *attachment = device->owner;
	struct wr_binding *binding = attachment ? wr_binding_of(attachment) : NULL;

	if (!binding)
		return;
	atomic_store_explicit(&attachment->binding, NULL, memory_order_release);
	slot_set(&engine->shared.bindings, binding->slot, NULL);
	wr_retire(&engine->retired, &binding->retired, free_binding);
	wake_workers(engine);
	wr_control_reclaim(engine);
}

void wr_engine_set_mtu(struct wr_engine *engine, struct wr_device *device, uint32_t mtu)
{
	struct wr_attachment *attachment = device->owner;

	(void)engine;
	atomic_store_explicit(&attachment->mtu, mtu, memory_order_relaxed);
}

void wr_engine_set_guard(struct wr_engine *engine, struct wr_device *device, struct wr_guard *guard)
{
	struct wr_attachment *attachment = device->owner;

	atomic_store_explicit(&attachment->guard, guard, memory_order_release);
	wr_control_reclaim(engine);
}

/* --- Forwarding. --- */

int wr_engine_forward(struct wr_engine *engine, struct wr_device *device,
		      const struct wr_forwarding *forwarding)
{
	struct wr_attachment *attachment = attachment_of(device);

	(void)engine;
	if (!attachment)
		return -ENOMEM;
	assert(!device->peer_first); /* no worker knows the device yet */
	attachment->forwarding = *forwarding;
	attachment->is_hub = true;
	return 0;
}

const struct wr_forwarding *wr_engine_forwarding(const struct wr_device *device)
{
	const struct wr_attachment *attachment = device->owner;

	return attachment && attachment->is_hub ? &attachment->forwarding : NULL;
}

void wr_engine_count_forwarded(const struct wr_device *device, struct wr_forwarded *ret_forwarded)
{
	const struct wr_attachment *attachment = device->owner;
	const struct wr_forward_tally *tally = &attachment->tally;

	*ret_forwarded = (struct wr_forwarded){
		.packets = atomic_load_explicit(&tally->packets, memory_order_relaxed),
		.bytes = atomic_load_explicit(&tally->bytes, memory_order_relaxed),
		.denied = atomic_load_explicit(&tally->denied, memory_order_relaxed),
		.lost = atomic_load_explicit(&tally->lost, memory_order_relaxed),
	};
}

void wr_engine_hear(struct wr_device *device)
{
	struct wr_attachment *attachment = device->owner;

	atomic_store_explicit(&attachment->is_wanted, false, memory_order_relaxed);
}

/* --- Life. --- */

void wr_engine_remove(struct wr_engine *engine, struct wr_device *device)
{
	struct wr_attachment *attachment = device->owner;

	wr_engine_detach(engine, device);
	wr_device_remove(device);
	/* Readers that still see the device see its owner. */
	if (attachment)
		wr_retire(&engine->retired, &attachment->retired, free_attachment);
}

void wr_engine_retire(struct wr_engine *engine, struct wr_retired *retired,
		      void (*free_it)(struct wr_retired *retired))
{
	wr_retire(&engine->retired, retired, free_it);
}

struct wr_retire_list *wr_engine_retired(struct wr_engine *engine)
{
	return &engine->retired;
}

void wr_engine_settle(struct wr_engine *engine)
{
	wr_control_reclaim(engine);
}

void wr_attachments_free(struct wr_engine *engine)
{
	for (struct wr_device *device = engine->shared.port->device_first; device;
	     device = device->list_next) {
		struct wr_attachment *attachment = device->owner;

		if (attachment)
			free(wr_binding_of(attachment));
		free(attachment);
	}
}
