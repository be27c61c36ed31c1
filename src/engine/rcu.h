/* Read-copy-update between the control thread, which writes, and the workers,
 * which read: liburcu's QSBR flavour, in which a reader costs nothing.
 *
 * A worker announces a quiescent state once a round and goes offline while it
 * sleeps. Pointers are published and read with C11 atomics.
 *
 * Floor 5.  Source: liburcu, urcu-qsbr.h. ThreadSanitizer does not see into
 * liburcu's assembly, so the two orderings that a grace period gives are told
 * to it here. */
#pragma once

#include <urcu-qsbr.h>

#if defined(__SANITIZE_THREAD__)
#define WR_HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WR_HAS_TSAN 1
#endif
#endif

#ifdef WR_HAS_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define WR_TSAN_ACQUIRE(address) __tsan_acquire(address)
#define WR_TSAN_RELEASE(address) __tsan_release(address)
#else
#define WR_TSAN_ACQUIRE(address) ((void)(address))
#define WR_TSAN_RELEASE(address) ((void)(address))
#endif

/* What a grace period orders, as a name for ThreadSanitizer. */
struct wr_rcu {
	char order;
};

static inline void wr_rcu_enter(void)
{
	urcu_qsbr_register_thread();
}

static inline void wr_rcu_leave(struct wr_rcu *rcu)
{
	WR_TSAN_RELEASE(&rcu->order);
	urcu_qsbr_unregister_thread();
}

/* A worker: it holds nothing that was published. */
static inline void wr_rcu_quiescent(struct wr_rcu *rcu)
{
	WR_TSAN_RELEASE(&rcu->order);
	urcu_qsbr_quiescent_state();
}

/* A worker: it will hold nothing until wr_rcu_online(). */
static inline void wr_rcu_offline(struct wr_rcu *rcu)
{
	WR_TSAN_RELEASE(&rcu->order);
	urcu_qsbr_thread_offline();
}

static inline void wr_rcu_online(void)
{
	urcu_qsbr_thread_online();
}

/* The control thread: returns when no worker can see what was unpublished
 * before the call. */
static inline void wr_rcu_wait(struct wr_rcu *rcu)
{
	urcu_qsbr_synchronize_rcu();
	WR_TSAN_ACQUIRE(&rcu->order);
}
