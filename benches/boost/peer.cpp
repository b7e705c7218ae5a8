// Boost.Interprocess as a contestant: a shared memory object with a mutex, or a sharable mutex, and a condition.
// The worker calls these functions, which the compiler cannot inline into it: one to two nanoseconds each.

#include <boost/interprocess/mapped_region.hpp>
#include <boost/interprocess/shared_memory_object.hpp>
#include <boost/interprocess/sync/interprocess_condition.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/interprocess_sharable_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>

namespace bi = boost::interprocess;

namespace {

struct Head {
    bi::interprocess_mutex mutex;
    bi::interprocess_condition changed;
    bi::interprocess_sharable_mutex sharable;
};

constexpr std::size_t value_offset = 4096;
static_assert(sizeof(Head) <= value_offset, "the locks lie before the value");

struct Object {
    bi::mapped_region region;
    Head *head;
    std::uint64_t *value;
    std::string name;
    bool created;
};

} // namespace

extern "C" {

// Null if it fails.
Object *boost_open(const char *name, std::size_t bytes, bool create) noexcept try {
    auto object = std::make_unique<Object>();
    object->name = name;
    object->created = create;
    if (create) {
        bi::shared_memory_object memory(bi::create_only, name, bi::read_write);
        memory.truncate(static_cast<bi::offset_t>(value_offset + bytes));
        object->region = bi::mapped_region(memory, bi::read_write);
        object->head = new (object->region.get_address()) Head;
    } else {
        bi::shared_memory_object memory(bi::open_only, name, bi::read_write);
        object->region = bi::mapped_region(memory, bi::read_write);
        object->head = static_cast<Head *>(object->region.get_address());
    }
    auto *start = static_cast<unsigned char *>(object->region.get_address());
    object->value = reinterpret_cast<std::uint64_t *>(start + value_offset);
    return object.release();
} catch (...) {
    return nullptr;
}

void boost_close(Object *object) noexcept {
    if (object->created) {
        bi::shared_memory_object::remove(object->name.c_str());
    }
    delete object;
}

// Each of these gives the value, or null if it fails.
std::uint64_t *boost_lock(Object *object) noexcept try {
    object->head->mutex.lock();
    return object->value;
} catch (...) {
    return nullptr;
}

void boost_unlock(Object *object) noexcept { object->head->mutex.unlock(); }

std::uint64_t *boost_lock_exclusive(Object *object) noexcept try {
    object->head->sharable.lock();
    return object->value;
} catch (...) {
    return nullptr;
}

void boost_unlock_exclusive(Object *object) noexcept { object->head->sharable.unlock(); }

std::uint64_t *boost_lock_sharable(Object *object) noexcept try {
    object->head->sharable.lock_sharable();
    return object->value;
} catch (...) {
    return nullptr;
}

void boost_unlock_sharable(Object *object) noexcept { object->head->sharable.unlock_sharable(); }

// Sleeps until the first word, which the mutex protects, is another; `seen` if it fails.
std::uint64_t boost_wait(Object *object, std::uint64_t seen) noexcept try {
    bi::scoped_lock<bi::interprocess_mutex> lock(object->head->mutex);
    while (object->value[0] == seen) {
        object->head->changed.wait(lock);
    }
    return object->value[0];
} catch (...) {
    return seen;
}

void boost_notify(Object *object) noexcept { object->head->changed.notify_all(); }
}
